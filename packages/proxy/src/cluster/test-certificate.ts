import { generateKeyPairSync, sign } from "node:crypto";

/** A certificate that vouches for itself, and its key, in PEM: made anew in every run, so none lies in the repository. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** ECDSA P-256 for one DNS name, valid for an hour around now (RFC 5280, in DER by hand: Node cannot make any). */
export function createTestCertificate(dnsName: string): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // ecdsa-with-SHA256, and a name of one commonName.
  const algorithm = der(0x30, hex("06082a8648ce3d040302"));
  const name = der(0x30, der(0x31, der(0x30, hex("0603550403"), der(0x0c, Buffer.from(dnsName)))));
  const altName = der(0x30, hex("0603551d11"), der(0x04, der(0x30, der(0x82, Buffer.from(dnsName)))));
  const body = der(
    0x30,
    hex("a003020102"),
    der(0x02, hex("01")),
    algorithm,
    name,
    der(0x30, time(Date.now() - 1_800_000), time(Date.now() + 1_800_000)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, altName)),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = der(0x30, body, algorithm, der(0x03, hex("00"), signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), body]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 255), body]);
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

/** UTCTime: YYMMDDHHMMSSZ. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, "");
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}
