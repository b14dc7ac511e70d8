import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:tls";
import { execa } from "execa";

/** Not the one that a connection goes to which has been told of none. */
const serverAddress = "127.0.0.2";

/** A, by name. What is not here does not exist, but for one address of IPv6. */
const addresses: Readonly<Record<string, string>> = {
  "allowed.test": serverAddress,
  "domain.test": serverAddress,
  "deep.below.domain.test": serverAddress,
  "private.domain.test": "10.1.2.3",
  "metadata.domain.test": "169.254.169.254",
  "other.test": serverAddress,
};
const addressOfIpv6 = Buffer.from("20010db8000000000000000000000001", "hex");
const types = { ipv4: 1, ipv6: 28 } as const;

/** Outside, on loopback: names, and one server over TLS that all of them lead to. It answers what it is told. */
export interface Internet extends AsyncDisposable {
  readonly nameserverPort: number;
  readonly serverPort: number;
  /** In PEM, of the server. */
  readonly certificate: string;
  /** What has been asked for, in this order. */
  readonly lookedUp: readonly string[];
}

export async function startInternet(): Promise<Internet> {
  const { key, certificate } = await selfSigned();
  const server = createServer({ key, cert: certificate }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  const lookedUp: string[] = [];
  const names = createSocket("udp4").on("message", (query, { port, address }) => {
    const { name, answer } = answerTo(query);
    lookedUp.push(name);
    names.send(answer, port, address);
  });
  names.bind(0, "127.0.0.1");
  server.listen(0, serverAddress);
  await Promise.all([once(names, "listening"), once(server, "listening")]);
  return {
    nameserverPort: names.address().port,
    serverPort: portOf(server),
    certificate,
    lookedUp,
    async [Symbol.asyncDispose]() {
      names.close();
      server.close();
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function selfSigned(): Promise<{ key: string; certificate: string }> {
  const names = "subjectAltName=DNS:allowed.test,DNS:domain.test,DNS:deep.below.domain.test";
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const { stdout } = await execa("openssl", [
    ...["req", "-x509", ...kind, "-subj", "/CN=test", "-addext", names, "-keyout", "-", "-out", "-"],
  ]);
  const certificateStart = stdout.indexOf("-----BEGIN CERTIFICATE-----");
  return { key: stdout.slice(0, certificateStart), certificate: stdout.slice(certificateStart) };
}

/** To one question, as RFC 1035 has it; the name's bytes as Latin-1. */
function answerTo(query: Buffer): { name: string; answer: Buffer } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join(".");
  const type = query.readUInt16BE(at + 1);
  const address = addressOf(name, type);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(address ? 0x8180 : 0x8183, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(address ? 1 : 0, 6);
  const question = query.subarray(12, at + 5);
  const record = address ? [Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length]), address] : [];
  return { name, answer: Buffer.concat([header, question, ...record]) };
}

function addressOf(name: string, type: number): Buffer | undefined {
  if (type === types.ipv6 && name === "ipv6.domain.test") return addressOfIpv6;
  const address = Object.hasOwn(addresses, name) ? addresses[name] : undefined;
  return type === types.ipv4 && address !== undefined ? Buffer.from(address.split(".").map(Number)) : undefined;
}
