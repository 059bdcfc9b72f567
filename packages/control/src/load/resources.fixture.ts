import type { World } from "@weft/contract";
import type { Attachments } from "../compile/certificate-files.ts";
import { compileWorld } from "../compile/compile-world.ts";
import { WORLD_DEFAULTS } from "../compile/defaults.ts";
import type { ResourceFile } from "./documents.ts";
import { loadResources } from "./load-resources.ts";
import { renderProblem } from "./problems.ts";

/** Documents in one file "shop.yaml". */
export function fileOf(...documents: readonly string[]): ResourceFile {
  return { path: "shop.yaml", text: documents.map((each) => `${each.trim()}\n`).join("---\n") };
}

/** Problems of documents in one file, as lines. */
export function problemsOf(documents: readonly string[], attachments: Attachments = new Map()): readonly string[] {
  return loadResources([fileOf(...documents)], attachments).problems.map(renderProblem);
}

/** The world that documents without problems compile to. */
export function worldOf(documents: readonly string[], attachments: Attachments = new Map()): World {
  const { resources, problems } = loadResources([fileOf(...documents)], attachments);
  if (problems.length > 0) throw new Error(problems.map(renderProblem).join("\n"));
  return compileWorld(resources, WORLD_DEFAULTS, 1);
}

/** A Gateway "web" with listeners in flow style. */
export function gateway(
  listeners: readonly string[] = ["name: http, port: 80, protocol: HTTP"],
  extra: string = "",
): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web }
spec:
  gatewayClassName: weft
  listeners:
${listeners.map((each) => `    - { ${each} }`).join("\n")}
${extra}`;
}

/** A Service with one port 80 and one host. */
export function service(name: string, extra: string = ""): string {
  return `apiVersion: weft.dev/v1
kind: Service
metadata: { name: ${name} }
spec:
  ports: [{ port: 80 }]
  hosts: [{ address: 10.0.0.1 }]
${extra}`;
}

/** An HTTPRoute on Gateway "web"; `spec` is indented by two. */
export function route(name: string, spec: string, metadata: string = ""): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}${metadata} }
spec:
  parentRefs: [{ name: web }]
${spec}`;
}
