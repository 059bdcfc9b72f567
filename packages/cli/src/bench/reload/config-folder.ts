import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CertificateAuthority, issueCertificate } from "@weft/kernel";
import { LOOPBACK } from "../ports.ts";
import { REVISION_FIELD, rotationName } from "./exchange.ts";
import { BACKENDS, weightsOf } from "./expectation.ts";

/** What the configuration leads from and to. */
export interface ConfigPorts {
  readonly http: number;
  readonly https: number;
  /** In the order of `BACKENDS`. */
  readonly backends: readonly number[];
}

/** Ways in which a file can be wrong. */
const FAULTS: readonly ((routes: string) => string)[] = [
  // Cut off while it was written.
  (routes) => routes.slice(0, routes.indexOf("backendRefs") + "backendRefs".length),
  (routes) => routes.replace("  rules:", "  ruels:"),
  (routes) => routes.replace("name: blue", "name: purple"),
  (routes) => routes.replace("weight: ", "weight: -1"),
  () => "",
];

/** The folder that the proxy watches. Files are changed as operators' tools do: written beside, then renamed over. */
export class ConfigFolder {
  readonly path: string;
  readonly #authority: CertificateAuthority;

  /** Writes everything into the folder, which is made. */
  constructor(path: string, ports: ConfigPorts, authority: CertificateAuthority) {
    this.path = path;
    this.#authority = authority;
    mkdirSync(path);
    this.#write("gateway.yaml", renderGateway(ports));
    this.#write("backends.yaml", renderBackends(ports.backends));
    this.writeRoutes(1);
    this.writeCertificate(1);
  }

  writeRoutes(revision: number): void {
    this.#write("routes.yaml", renderRoutes(revision));
  }

  /** Writes routes that are wrong in the way number `kind`; nothing may ever be routed by this revision. */
  writeWrongRoutes(revision: number, kind: number): void {
    const spoil = FAULTS[kind % FAULTS.length] as (routes: string) => string;
    this.#write("routes.yaml", spoil(renderRoutes(revision)));
  }

  /** A new key and certificate, in one file, so that they never disagree. */
  writeCertificate(rotation: number): void {
    const { certificatePem, privateKeyPem } = issueCertificate(this.#authority, {
      commonName: rotationName(rotation),
      dnsNames: ["localhost"],
      ipAddresses: [LOOPBACK],
    });
    this.#write("certificate.yaml", renderSecret(certificatePem, privateKeyPem));
  }

  #write(name: string, text: string): void {
    // Dot files are no configuration.
    const draft = join(this.path, `.${name}`);
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, join(this.path, name));
  }
}

function renderGateway({ http, https }: ConfigPorts): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: reload
spec:
  gatewayClassName: weft
  addresses:
    - { type: IPAddress, value: ${LOOPBACK} }
  listeners:
    - { name: http, port: ${http}, protocol: HTTP }
    - name: https
      port: ${https}
      protocol: HTTPS
      tls:
        certificateRefs:
          - { name: reload }
---
apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: reload
spec:
  drain:
    deadline: 10s
`;
}

function renderBackends(ports: readonly number[]): string {
  const documents = BACKENDS.map(
    (name, at) => `apiVersion: weft.dev/v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
    - port: 80
  hosts:
    - { address: ${LOOPBACK}, port: ${ports[at]} }
`,
  );
  return documents.join("---\n");
}

function renderRoutes(revision: number): string {
  const weights = weightsOf(revision);
  const refs = BACKENDS.map((name, at) => `        - { name: ${name}, port: 80, weight: ${weights[at]} }\n`);
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: reload
spec:
  parentRefs:
    - name: reload
  rules:
    - filters:
        # Backends answer with it, so that an answer shows which configuration its request was routed by ...
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set: [{ name: ${REVISION_FIELD}, value: "${revision}" }]
        # ... and this which one its answer was treated by.
        - type: ResponseHeaderModifier
          responseHeaderModifier:
            set: [{ name: ${REVISION_FIELD}, value: "${revision}" }]
      backendRefs:
${refs.join("")}`;
}

function renderSecret(certificatePem: string, privateKeyPem: string): string {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return `apiVersion: v1
kind: Secret
metadata:
  name: reload
type: kubernetes.io/tls
data:
  tls.crt: ${encode(certificatePem)}
  tls.key: ${encode(privateKeyPem)}
`;
}
