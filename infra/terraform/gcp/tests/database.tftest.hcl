# The database is not public, is encrypted, is backed up, and its password is nowhere.

mock_provider "google" {}

variables {
  prefix              = "agentcore-dev"
  region              = "europe-west1"
  size                = "db-custom-1-3840"
  connections         = 200
  high_availability   = false
  deletion_protection = false
  password_version    = 1
  labels              = {}
}

run "private" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false && length(google_sql_database_instance.this.settings[0].ip_configuration[0].authorized_networks) == 0
    error_message = "it has no public address"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "it refuses connections without TLS"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].enabled && google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "it is backed up"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].edition == "ENTERPRISE" && google_sql_database_instance.this.settings[0].backup_configuration[0].transaction_log_retention_days <= 7
    error_message = "the edition that has these sizes keeps logs for a week at most"
  }
  assert {
    condition     = one([for one in google_sql_database_instance.this.settings[0].database_flags : one.value if one.name == "max_connections"]) == "200"
    error_message = "it takes as many connections as are reckoned with"
  }
  assert {
    condition     = google_sql_user.this.password == null && google_sql_user.this.password_wo == null && google_sql_user.this.password_wo_version == 1
    error_message = "the password is write-only"
  }
  assert {
    condition     = google_compute_network.this.auto_create_subnetworks == false && google_compute_global_address.this.purpose == "VPC_PEERING"
    error_message = "the network is its own"
  }
}

run "protected" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    deletion_protection = true
    high_availability   = true
  }

  assert {
    condition     = google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].deletion_protection_enabled && google_sql_database_instance.this.settings[0].retain_backups_on_delete
    error_message = "neither Terraform nor anybody else deletes it"
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "it has a standby"
  }
}

run "secret" {
  command = plan

  module {
    source = "./modules/secret"
  }

  variables {
    secret_id     = "agentcore-dev-OPENAI_API_KEY"
    value         = "sk-secret"
    value_version = 2
  }

  assert {
    condition     = google_secret_manager_secret_version.this.secret_data == null && google_secret_manager_secret_version.this.secret_data_wo == null
    error_message = "the value is in neither plan nor state"
  }
}
