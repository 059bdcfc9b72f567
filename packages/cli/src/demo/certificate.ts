import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/**
 * X.509 certificates (RFC 5280) for a mesh on one machine: ECDSA P-256, written in DER by hand because Node can read
 * certificates but not make them.
 */

/** A certificate and its private key, in PEM. */
export interface CertifiedKey {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What a certificate vouches for. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  /** IPv4. */
  readonly ipAddresses?: readonly string[];
  /** SPIFFE IDs. */
  readonly uris?: readonly string[];
}

const DAY_MS = 86_400_000;
/** Certificates of the demo outlive any run, but not by much. */
const VALIDITY_DAYS = 7;

const OID = {
  commonName: "2.5.4.3",
  ecPublicKeySha256: "1.2.840.10045.4.3.2",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** Makes an authority: a key and a certificate that it signs itself. */
export function createAuthority(commonName: string): CertifiedKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(OID.basicConstraints, true, sequence(boolean(true), integer(Buffer.from([0])))),
    // keyCertSign and cRLSign.
    extension(OID.keyUsage, true, tagged(0x03, Buffer.from([0x01, 0x06]))),
  ];
  const certificate = signCertificate({ issuer: commonName, subject: commonName, publicKey, extensions }, privateKey);
  return { certificatePem: toPem(certificate), privateKeyPem: exportKey(privateKey) };
}

/** Makes a key and a certificate for it that `authority` (named `issuer`) vouches for; good for servers and clients. */
export function issueCertificate(authority: CertifiedKey, issuer: string, request: CertificateRequest): CertifiedKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const names = [
    ...(request.dnsNames ?? []).map((name) => tagged(0x82, Buffer.from(name, "latin1"))),
    ...(request.uris ?? []).map((uri) => tagged(0x86, Buffer.from(uri, "latin1"))),
    ...(request.ipAddresses ?? []).map((address) => tagged(0x87, addressBytes(address))),
  ];
  const extensions = [
    extension(OID.basicConstraints, true, sequence()),
    // digitalSignature.
    extension(OID.keyUsage, true, tagged(0x03, Buffer.from([0x07, 0x80]))),
    extension(OID.extendedKeyUsage, false, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.subjectAltName, false, sequence(...names)),
  ];
  const signer = createPrivateKey(authority.privateKeyPem);
  const certificate = signCertificate({ issuer, subject: request.commonName, publicKey, extensions }, signer);
  return { certificatePem: toPem(certificate), privateKeyPem: exportKey(privateKey) };
}

interface Unsigned {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function signCertificate({ issuer, subject, publicKey, extensions }: Unsigned, signer: KeyObject): Buffer {
  const algorithm = sequence(objectId(OID.ecPublicKeySha256));
  const nowMs = Date.now();
  const unsigned = sequence(
    // Version 3.
    tagged(0xa0, integer(Buffer.from([2]))),
    // Positive, and not shorter for a leading zero.
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer),
    // A day back: clocks of other machines may lag.
    sequence(time(nowMs - DAY_MS), time(nowMs + VALIDITY_DAYS * DAY_MS)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", unsigned, signer);
  return sequence(unsigned, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function exportKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

function addressBytes(address: string): Buffer {
  if (!isIPv4(address)) throw new TypeError(`Cannot certify the address ${address}: only IPv4 is supported here`);
  return Buffer.from(address.split(".").map(Number));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectId(OID.commonName), tagged(0x0c, Buffer.from(commonName)));
  return sequence(tagged(0x31, attribute));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), tagged(0x04, value));
}

/** Tag, length, content: all that DER is. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0x00]));
}

/** GeneralizedTime is for 2050 and later; until then UTCTime is what RFC 5280 wants. */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const isLate = new Date(ms).getUTCFullYear() >= 2050;
  return isLate ? tagged(0x18, Buffer.from(text)) : tagged(0x17, Buffer.from(text.slice(2)));
}

function objectId(id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}
