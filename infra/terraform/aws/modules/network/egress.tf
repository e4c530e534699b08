# The way out: one NAT gateway, or endpoints of the services that are called.

resource "aws_eip" "nat" {
  count  = var.egress == "nat" ? 1 : 0
  domain = "vpc"
  tags   = merge(var.tags, { Name = "${var.name}-nat" })
}

# One for both zones: a second costs as much again, and without this one runs only wait.
resource "aws_nat_gateway" "this" {
  count         = var.egress == "nat" ? 1 : 0
  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[0].id
  tags          = merge(var.tags, { Name = var.name })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route" "nat" {
  count                  = var.egress == "nat" ? 1 : 0
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[0].id
}

# It costs nothing, and the layers of images come through it.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  tags              = merge(var.tags, { Name = "${var.name}-s3" })
}

resource "aws_vpc_endpoint" "service" {
  for_each            = var.egress == "endpoints" ? var.endpoints : []
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.endpoints[0].id]
  tags                = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_security_group" "endpoints" {
  count       = var.egress == "endpoints" ? 1 : 0
  name        = "${var.name}-endpoints"
  description = "Endpoints of AWS in ${var.name}"
  vpc_id      = aws_vpc.this.id
  tags        = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count                        = var.egress == "endpoints" ? 1 : 0
  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "HTTPS of functions and tasks"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.app.id
}

# S3 answers from addresses outside of the network, which the rule for the network leaves out.
resource "aws_vpc_security_group_egress_rule" "s3" {
  count             = var.egress == "endpoints" ? 1 : 0
  security_group_id = aws_security_group.app.id
  description       = "Layers of images"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
}
