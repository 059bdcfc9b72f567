import type { UpstreamTls } from "@weft/contract";
import { resolveAuthorities, resolveCertificate } from "./certificates.ts";
import type { Compilation, ServiceTarget } from "./compilation.ts";
import type { AttachedPolicy } from "./policies.ts";

/** TLS to the hosts of a Service: by BackendTLSPolicy or by TrafficPolicy, null for plain text. */
export function upstreamTls(
  compilation: Compilation,
  { service, port }: ServiceTarget,
  traffic: readonly AttachedPolicy[],
): UpstreamTls | null {
  const standard = compilation.policies.backendTls(service, port.name, String(port.port))[0];
  const own = traffic.find(({ policy }) => policy.resource.spec.tls !== undefined);
  if (standard !== undefined && own !== undefined) {
    const expected = `no tls, because BackendTLSPolicy ${standard.policy.resource.metadata.name} has it for the same Service`;
    const detail = { condition: "Conflicted", reason: "Conflicted", isKey: true } as const;
    compilation.log.add(own.policy.source, ["spec", "tls"], own.policy.resource.spec.tls, expected, detail);
    return null;
  }
  if (standard !== undefined) return fromBackendTlsPolicy(compilation, standard);
  return own === undefined ? null : fromTrafficPolicy(compilation, own);
}

function fromBackendTlsPolicy(compilation: Compilation, { policy }: AttachedPolicy<"BackendTLSPolicy">): UpstreamTls {
  const { caCertificateRefs = [], hostname, subjectAltNames = [] } = policy.resource.spec.validation;
  const authorities = caCertificateRefs.map((ref, index) =>
    resolveAuthorities(compilation, policy, ref, ["spec", "validation", "caCertificateRefs", index]),
  );
  return {
    serverName: hostname,
    ca: joinPem(authorities),
    certificateChain: "",
    privateKey: "",
    minVersion: "TLSv1.2",
    subjectAltNames: subjectAltNames.map(({ uri }) => uri),
  };
}

function fromTrafficPolicy(compilation: Compilation, { policy }: AttachedPolicy): UpstreamTls {
  const {
    serverName = "",
    caCertificateRef,
    clientCertificateRef,
    minVersion = "TLSv1.2",
    subjectAltNames = [],
  } = policy.resource.spec.tls ?? {};
  const authorities =
    caCertificateRef === undefined
      ? undefined
      : resolveAuthorities(compilation, policy, caCertificateRef, ["spec", "tls", "caCertificateRef"]);
  const certificate =
    clientCertificateRef === undefined
      ? undefined
      : resolveCertificate(compilation, policy, clientCertificateRef, ["spec", "tls", "clientCertificateRef"]);
  return {
    serverName,
    ca: authorities ?? "",
    certificateChain: certificate?.certificateChain ?? "",
    privateKey: certificate?.privateKey ?? "",
    minVersion,
    subjectAltNames,
  };
}

/** Several PEM texts as one bundle. */
export function joinPem(texts: readonly (string | undefined)[]): string {
  return texts
    .filter((text) => text !== undefined)
    .map((text) => (text.endsWith("\n") ? text : `${text}\n`))
    .join("");
}
