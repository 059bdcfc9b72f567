import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";
import { type Clock, systemClock } from "./clock.ts";

/**
 * X.509 certificates (RFC 5280) for what runs on one machine: ECDSA P-256 or RSA, written in DER by hand because Node
 * can read certificates but not make them.
 */

/** A certificate and its private key, in PEM. */
export interface CertifiedKey {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Who vouches for others. */
export interface CertificateAuthority extends CertifiedKey {
  /** Certificates say who vouches by this name. */
  readonly name: string;
}

/** What a certificate vouches for. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  /** IPv4. */
  readonly ipAddresses?: readonly string[];
  /** SPIFFE IDs and the like. */
  readonly uris?: readonly string[];
  /** "ec" (default) is P-256. RSA takes longer to make, and clients that know nothing newer can check it. */
  readonly keyType?: KeyType;
}

/** What kind of key a certificate is for. */
type KeyType = "ec" | "rsa";

const DAY_MS = 86_400_000;
/** Certificates of demos, benchmarks and tests outlive any run, but not by much. */
const VALIDITY_DAYS = 7;
/** The shortest that TLS libraries take today. */
const RSA_KEY_BITS = 2048;

const OID = {
  commonName: "2.5.4.3",
  ecPublicKeySha256: "1.2.840.10045.4.3.2",
  rsaSha256: "1.2.840.113549.1.1.11",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/**
 * Makes an authority: a key and a certificate that it signs itself.
 *
 * @example
 * const authority = createAuthority("a test");
 * const { certificatePem, privateKeyPem } = issueCertificate(authority, { commonName: "a", dnsNames: ["localhost"] });
 */
export function createAuthority(name: string, clock: Clock = systemClock): CertificateAuthority {
  const { privateKey, publicKey } = generateKeys("ec");
  const extensions = [
    extension(OID.basicConstraints, true, sequence(boolean(true), integer(Buffer.from([0])))),
    // keyCertSign and cRLSign.
    extension(OID.keyUsage, true, tagged(0x03, Buffer.from([0x01, 0x06]))),
  ];
  const certificate = signCertificate({ issuer: name, subject: name, publicKey, extensions }, privateKey, clock);
  return { name, ...toPems(certificate, privateKey) };
}

/**
 * Makes a key and a certificate for it that `authority` vouches for; good for servers and clients.
 *
 * @throws TypeError for an address that is not IPv4
 */
export function issueCertificate(
  authority: CertificateAuthority,
  request: CertificateRequest,
  clock: Clock = systemClock,
): CertifiedKey {
  const { privateKey, publicKey } = generateKeys(request.keyType ?? "ec");
  const { commonName: subject } = request;
  const unsigned = { issuer: authority.name, subject, publicKey, extensions: describe(request) };
  return toPems(signCertificate(unsigned, createPrivateKey(authority.privateKeyPem), clock), privateKey);
}

/**
 * Makes a key and a certificate that vouches for itself: who trusts it trusts nobody else.
 *
 * @throws TypeError for an address that is not IPv4
 */
export function createSelfSigned(request: CertificateRequest, clock: Clock = systemClock): CertifiedKey {
  const { privateKey, publicKey } = generateKeys(request.keyType ?? "ec");
  const { commonName: name } = request;
  const unsigned = { issuer: name, subject: name, publicKey, extensions: describe(request) };
  return toPems(signCertificate(unsigned, privateKey, clock), privateKey);
}

/** The extensions of a certificate that vouches for nobody else. */
function describe({ dnsNames = [], uris = [], ipAddresses = [] }: CertificateRequest): readonly Buffer[] {
  const names = [
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name, "latin1"))),
    ...uris.map((uri) => tagged(0x86, Buffer.from(uri, "latin1"))),
    ...ipAddresses.map((address) => tagged(0x87, addressBytes(address))),
  ];
  return [
    extension(OID.basicConstraints, true, sequence()),
    // digitalSignature.
    extension(OID.keyUsage, true, tagged(0x03, Buffer.from([0x07, 0x80]))),
    extension(OID.extendedKeyUsage, false, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.subjectAltName, false, sequence(...names)),
  ];
}

interface Unsigned {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function signCertificate(
  { issuer, subject, publicKey, extensions }: Unsigned,
  signer: KeyObject,
  clock: Clock,
): Buffer {
  const algorithm =
    signer.asymmetricKeyType === "rsa"
      ? sequence(objectId(OID.rsaSha256), tagged(0x05, Buffer.alloc(0)))
      : sequence(objectId(OID.ecPublicKeySha256));
  const nowMs = clock.wallMs();
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

function generateKeys(type: KeyType): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (type === "rsa") return generateKeyPairSync("rsa", { modulusLength: RSA_KEY_BITS });
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function toPems(certificate: Buffer, key: KeyObject): CertifiedKey {
  return { certificatePem: toPem(certificate), privateKeyPem: key.export({ type: "pkcs8", format: "pem" }) };
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
