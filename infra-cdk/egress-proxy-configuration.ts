/** What the proxy lets through. Hosts and addresses are taken as they are: they must be checked before. */
export interface EgressRules {
  /** Where HAProxy listens, as its `bind` takes it. */
  readonly listen: string;
  /** `address:port` of who resolves names. */
  readonly nameserver: string;
  /** Names in small letters; `.example.com` is example.com and all below it. */
  readonly hosts: readonly string[];
  /** Blocks of addresses that no name may lead to. */
  readonly forbiddenAddresses: readonly string[];
  /** Of the servers outside. */
  readonly upstreamPort: number;
}

/**
 * What is no address of the internet: private, loopback, link-local, shared, reserved and multicast. Source: IANA's "IPv4
 * Special-Purpose Address Registry", and RFC 5771.
 */
export const notOnTheInternet: readonly string[] = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
];

/**
 * HAProxy's configuration: TLS goes through as it is, to the address that the name in its first message has by our own
 * look-up. Where the client thought it connected to plays no part. Written to standard output: one line for each
 * connection that was refused or broken, none for the others.
 */
export function haproxyConfiguration({ listen, nameserver, hosts, ...rules }: EgressRules): string {
  return `global
  log stdout format raw daemon
  # Each holds two buffers of 16 KiB while it has something to send on: so many fit into 512 MB.
  maxconn 4000

defaults
  mode tcp
  timeout connect 10s
  # A stream of events, or a session of ECS Exec, may be silent for long; peers that are gone are found out by keep-alives.
  timeout client 1h
  timeout server 1h
  timeout client-fin 30s
  timeout server-fin 30s
  option clitcpka
  option srvtcpka

resolvers names
  nameserver only ${nameserver}
  accepted_payload_size 8192
  timeout resolve 1s
  timeout retry 1s
  hold valid 10s

frontend runners
  bind ${listen}
  log global
  option dontlog-normal
  log-format "client=%ci name=%{+Q}[var(txn.name)] address=%[var(txn.address)] end=%ts"
${hosts.flatMap(listed).join("\n")}
${rules.forbiddenAddresses.map((block) => `  acl forbidden var(txn.address) -m ip ${block}`).join("\n")}
  tcp-request inspect-delay 5s
  tcp-request content reject unless { req.ssl_hello_type 1 }
  tcp-request content set-var(txn.name) req.ssl_sni,lower
  # Only a-z, 0-9, "-" and ".": where a byte of zero is in it, another name is looked up than the one that was compared.
  tcp-request content reject unless { var(txn.name),hex -m reg ^(2D|2E|3[0-9]|6[1-9A-F]|7[0-9A])+$ }
  tcp-request content reject unless listed
  tcp-request content do-resolve(txn.address,names,ipv4) var(txn.name)
  # A name that has only addresses of IPv6 is resolved to one of them, and these would pass by the list of blocks.
  tcp-request content reject unless { var(txn.address) -m reg ^[0-9.]+$ }
  tcp-request content reject if forbidden
  tcp-request content set-dst var(txn.address)
  default_backend outside

backend outside
  # The address is set-dst's.
  server named 0.0.0.0:${rules.upstreamPort}
`;
}

/** One line each: HAProxy takes at most 64 words in one. */
function listed(host: string): string[] {
  if (!host.startsWith(".")) return [`  acl listed var(txn.name) -m str ${host}`];
  return [`  acl listed var(txn.name) -m str ${host.slice(1)}`, `  acl listed var(txn.name) -m end ${host}`];
}

/** For nft: https that is on its way to elsewhere arrives at a port of this machine. Can be loaded again and again. */
export function redirection(port: number): string {
  return `table ip egress
delete table ip egress
table ip egress {
  chain arriving {
    type nat hook prerouting priority dstnat
    tcp dport 443 redirect to :${port}
  }
}
`;
}
