"""How many steps the long agent of the hosts takes: several times what the tests allow a host, less its margin."""

STEPS = 40
