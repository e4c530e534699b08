# Two zones. Private subnets for the database and what reaches it; public ones for the NAT gateway and the load balancer.

locals {
  zones  = [for letter in var.zones : "${var.region}${letter}"]
  public = var.public || var.egress == "nat"
}

resource "aws_vpc" "this" {
  cidr_block           = var.address_space
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags                 = merge(var.tags, { Name = var.name })
}

# Nothing uses it, so it lets nothing through.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
  tags   = var.tags
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.address_space, 4, count.index) # 4,096 addresses, as functions and tasks take some
  tags              = merge(var.tags, { Name = "${var.name}-private-${var.zones[count.index]}" })
}

resource "aws_subnet" "public" {
  count             = local.public ? 2 : 0
  vpc_id            = aws_vpc.this.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.address_space, 8, 128 + count.index)
  tags              = merge(var.tags, { Name = "${var.name}-public-${var.zones[count.index]}" })
}

resource "aws_internet_gateway" "this" {
  count  = local.public ? 1 : 0
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_route_table" "public" {
  count  = local.public ? 1 : 0
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-public" })

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this[0].id
  }
}

resource "aws_route_table_association" "public" {
  count          = local.public ? 2 : 0
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-private" })
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# What runs the product. Each rule is its own resource, so that others can add theirs.
resource "aws_security_group" "app" {
  name        = "${var.name}-app"
  description = "Functions and tasks of ${var.name}"
  vpc_id      = aws_vpc.this.id
  tags        = merge(var.tags, { Name = "${var.name}-app" })
}

resource "aws_vpc_security_group_egress_rule" "app" {
  security_group_id = aws_security_group.app.id
  description       = var.egress == "nat" ? "Model servers, webhooks and a database of yours may have any address and port" : "The database and endpoints of AWS"
  ip_protocol       = "tcp"
  from_port         = 0
  to_port           = 65535
  cidr_ipv4         = var.egress == "nat" ? "0.0.0.0/0" : var.address_space
}
