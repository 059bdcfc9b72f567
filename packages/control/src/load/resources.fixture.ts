import { generateKeyPairSync, sign } from "node:crypto";
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

/** A certificate that vouches for itself, and its key, made anew in every run (RFC 5280, DER by hand). */
export function createCertificate(name: string): { readonly certificate: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(0x30, Buffer.from("06082a8648ce3d040302", "hex"));
  const subject = der(0x30, der(0x31, der(0x30, Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from(name)))));
  const body = der(
    0x30,
    der(0x02, Buffer.of(1)),
    algorithm,
    subject,
    der(0x30, der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231235959Z"))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signed = der(0x30, body, algorithm, der(0x03, Buffer.of(0), sign("sha256", body, privateKey)));
  const lines = signed.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? Buffer.of(body.length) : Buffer.of(0x82, body.length >> 8, body.length & 255);
  return Buffer.concat([Buffer.of(tag), length, body]);
}
