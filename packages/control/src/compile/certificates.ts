import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CertificateConfig, ObjectReference } from "@weft/contract";
import type { FieldPath, LoadedResource } from "../load/finding.ts";
import { fullNameOf, namespaceOf } from "../load/validate.ts";
import { missing, unresolved } from "./backends.ts";
import { attachmentPath } from "./certificate-files.ts";
import type { Compilation } from "./compilation.ts";
import { isGranted } from "./grants.ts";
import type { LoadedOf } from "./resource-index.ts";

/** Text that a certificate is made of, and where it was written. */
interface Pem {
  readonly owner: LoadedResource;
  readonly path: FieldPath;
  readonly text: string;
  /** The file that holds it, by `attachmentPath`; none where it stands in the resource. */
  readonly attachments: readonly string[];
}

/** A certificate with its key that `ref` names: a Secret or a Certificate. */
export function resolveCertificate(
  compilation: Compilation,
  from: LoadedResource,
  ref: ObjectReference,
  path: FieldPath,
): CertificateConfig | undefined {
  const found = findTrust(compilation, from, ref, path, ["Secret", "Certificate"]);
  if (found === undefined) return undefined;
  return once(compilation.certificates, found, () => {
    const chain = pemOf(compilation, found, "tls.crt", "certificateFile");
    const key = pemOf(compilation, found, "tls.key", "keyFile");
    if (chain === undefined || key === undefined || !checkPair(compilation, chain, key)) return undefined;
    return { name: fullNameOf(found.resource), certificateChain: chain.text, privateKey: key.text };
  });
}

/** What `read` says of a resource, asked once per compilation. */
function once<T>(known: Map<string, T>, { resource }: LoadedResource, read: () => T): T {
  const key = `${resource.kind} ${fullNameOf(resource)}`;
  const before = known.get(key);
  if (before !== undefined || known.has(key)) return before as T;
  const value = read();
  known.set(key, value);
  return value;
}

/** The authorities that `ref` names: a ConfigMap or a Certificate. */
export function resolveAuthorities(
  compilation: Compilation,
  from: LoadedResource,
  ref: ObjectReference,
  path: FieldPath,
): string | undefined {
  const found = findTrust(compilation, from, ref, path, ["ConfigMap", "Certificate"]);
  if (found === undefined) return undefined;
  return once(compilation.authorities, found, () => {
    const pem = pemOf(compilation, found, "ca.crt", "caFile");
    return pem !== undefined && checkCertificates(compilation, pem) !== undefined ? pem.text : undefined;
  });
}

type TrustKind = "Secret" | "ConfigMap" | "Certificate";

function findTrust(
  compilation: Compilation,
  from: LoadedResource,
  ref: ObjectReference,
  path: FieldPath,
  kinds: readonly [TrustKind, TrustKind],
): LoadedOf<TrustKind> | undefined {
  const { index, log } = compilation;
  const kind = kinds.find((each) => each === (ref.kind ?? kinds[0]));
  if (kind === undefined) {
    const expected = kinds.map((each) => `"${each}"`).join(" or ");
    log.add(from.source, [...path, "kind"], ref.kind, expected, unresolved("InvalidCertificateRef"));
    return undefined;
  }
  const group = kind === "Certificate" ? "weft.dev" : "";
  if (ref.group !== group && (ref.group !== undefined || group !== "")) {
    log.add(
      from.source,
      [...path, "group"],
      ref.group,
      `"${group}" for kind ${kind}`,
      unresolved("InvalidCertificateRef"),
    );
    return undefined;
  }
  const fromNamespace = namespaceOf(from.resource);
  const namespace = ref.namespace ?? fromNamespace;
  if (
    namespace !== fromNamespace &&
    !isGranted(index, from.resource, { groups: [group], kind, namespace, name: ref.name })
  ) {
    const expected = `a ReferenceGrant in namespace ${namespace} for ${from.resource.kind} of namespace ${fromNamespace} to ${kind} ${ref.name}`;
    log.add(from.source, [...path, "namespace"], namespace, expected, unresolved("RefNotPermitted"));
    return undefined;
  }
  const found = index.get(kind, namespace, ref.name);
  if (found === undefined) {
    const expected = missing(compilation, kind, namespace, ref.name);
    log.add(from.source, [...path, "name"], ref.name, expected, unresolved("InvalidCertificateRef"));
  }
  return found;
}

/** The text under `key` of a Secret or ConfigMap, or of the file that `field` of a Certificate names. */
function pemOf(
  { attachments, log }: Compilation,
  owner: LoadedOf<TrustKind>,
  key: string,
  field: "certificateFile" | "keyFile" | "caFile",
): Pem | undefined {
  const { resource, source } = owner;
  if (resource.kind === "Certificate") {
    const file = resource.spec[field];
    const path = ["spec", field];
    if (file === undefined) {
      log.add(source, path, undefined, "a PEM file, because a reference needs it", unresolved("InvalidCertificateRef"));
      return undefined;
    }
    const place = attachmentPath(source.file, file);
    const content = attachments.get(place);
    if (content !== undefined && "text" in content) return { owner, path, text: content.text, attachments: [place] };
    const fault = content?.fault ?? "it was not read";
    const detail = { ...unresolved("InvalidCertificateRef"), attachments: [place] };
    log.add(source, path, file, `a PEM file that can be read (${fault})`, detail);
    return undefined;
  }
  const plain = resource.kind === "Secret" ? resource.stringData?.[key] : resource.data[key];
  if (plain !== undefined) {
    return { owner, path: [resource.kind === "Secret" ? "stringData" : "data", key], text: plain, attachments: [] };
  }
  const encoded = resource.kind === "Secret" ? resource.data?.[key] : undefined;
  if (encoded !== undefined) {
    return { owner, path: ["data", key], text: Buffer.from(encoded, "base64").toString("latin1"), attachments: [] };
  }
  log.add(
    source,
    ["data", key],
    undefined,
    `"${key}", because a reference needs it`,
    unresolved("InvalidCertificateRef"),
  );
  return undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** All certificates in a PEM text; undefined, with a finding, if there is none or one cannot be read. */
function checkCertificates({ log }: Compilation, pem: Pem): readonly X509Certificate[] | undefined {
  const { owner, path, text, attachments } = pem;
  const blocks = text.match(CERTIFICATE) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // The library's words ("asn1 encoding routines::wrong tag") help nobody.
  }
  const value = owner.resource.kind === "Certificate" ? owner.resource.spec[path[1] as "caFile"] : "(PEM)";
  const detail = { ...unresolved("InvalidCertificateRef"), attachments };
  log.add(owner.source, path, value, "certificates in PEM form", detail);
  return undefined;
}

function checkPair(compilation: Compilation, chain: Pem, key: Pem): boolean {
  const [leaf] = checkCertificates(compilation, chain) ?? [];
  if (leaf === undefined) return false;
  const value = key.owner.resource.kind === "Certificate" ? key.owner.resource.spec.keyFile : "(hidden)";
  const refuse = (expected: string): false => {
    const attachments = [...chain.attachments, ...key.attachments];
    const detail = { ...unresolved("InvalidCertificateRef"), attachments };
    compilation.log.add(key.owner.source, key.path, value, expected, detail);
    return false;
  };
  try {
    const privateKey = createPrivateKey(key.text);
    if (!leaf.checkPrivateKey(privateKey)) return refuse("the private key of the first certificate of the chain");
  } catch {
    return refuse("a private key in PEM form, without a passphrase");
  }
  try {
    createSecureContext({ cert: chain.text, key: key.text });
    return true;
  } catch (error) {
    const detail = error instanceof Error && "reason" in error ? ` (${String(error.reason)})` : "";
    return refuse(`a certificate and key that TLS can use${detail}`);
  }
}
