/** Resources as a person would write them: text of YAML, so that comments and the order of fields are ours to choose. */

/** The kinds of the demo. */
type DemoKind =
  | "Gateway"
  | "HTTPRoute"
  | "GRPCRoute"
  | "RpcRoute"
  | "ProxyConfig"
  | "Service"
  | "TrafficPolicy"
  | "Certificate"
  | "Fault"
  | "Colour"
  | "DirectResponse";

const GATEWAY_KINDS: ReadonlySet<DemoKind> = new Set(["Gateway", "HTTPRoute", "GRPCRoute"]);

/** One document; `spec` is indented by two. A comment stands above it. */
export function renderResource(kind: DemoKind, name: string, spec: string, comment = ""): string {
  const above = comment === "" ? "" : `# ${comment}\n`;
  const api = GATEWAY_KINDS.has(kind) ? "gateway.networking.k8s.io/v1" : "weft.dev/v1";
  return `${above}apiVersion: ${api}\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${spec}`;
}

/** A route below `parent` of the calls of an interface to the Service of that name. */
export function renderCallRoute(name: string, service: string, parent: string): string {
  return renderRoute(
    "RpcRoute",
    name,
    parent,
    `    - matches:\n        - { service: ${service} }\n      backendRefs:\n        - { name: ${name}, port: 80 }\n`,
  );
}

/** A route below `parent`; `rules` are indented by four. */
export function renderRoute(
  kind: "HTTPRoute" | "GRPCRoute" | "RpcRoute",
  name: string,
  parent: string,
  rules: string,
): string {
  return renderResource(kind, name, `  parentRefs:\n    - ${parent}\n  rules:\n${rules}`);
}

/** A file of documents below a comment that says what they are about. */
export function renderFile(comment: string, documents: readonly string[]): string {
  return `# ${comment}\n${documents.join("---\n")}`;
}
