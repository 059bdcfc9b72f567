import { LOOPBACK } from "../ports.ts";
import { PEER_CONNECTIONS_MAX, PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";
import { backendPortOf, type PeerSetup } from "./peer.ts";

/**
 * The configuration of the bench as a person would write it, by file name: several routes to choose from, health checks, and
 * limits above what the load needs; defaults for the rest.
 */
export function renderBenchFiles(setup: PeerSetup): ReadonlyMap<string, string> {
  return new Map([
    ["gateway.yaml", renderGateway(setup)],
    ["routes.yaml", renderRoutes()],
    ["backend.yaml", renderBackend(setup)],
  ]);
}

function renderGateway({ listenPort, path, certificate }: PeerSetup): string {
  const isTls = path.downstream === "tls-http2";
  const tls = `      tls:
        certificateRefs:
          - { group: weft.dev, kind: Certificate, name: bench }
        options:
          weft.dev/min-tls-version: TLSv1.3
`;
  const certificateResource = `---
apiVersion: weft.dev/v1
kind: Certificate
metadata:
  name: bench
spec:
  certificateFile: ${certificate.certificatePath}
  keyFile: ${certificate.keyPath}
`;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: bench
spec:
  gatewayClassName: weft
  addresses:
    - { type: IPAddress, value: ${LOOPBACK} }
  listeners:
    - name: bench
      port: ${listenPort}
      protocol: ${isTls ? "HTTPS" : "HTTP"}
${isTls ? tls : ""}---
apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: bench
spec:
  listenerDefaults:
    connectionsMax: ${PEER_CONNECTIONS_MAX}
    idleTimeout: 1h
  admin:
    address: ${LOOPBACK}
    port: 0
${isTls ? certificateResource : ""}`;
}

/** Paths of a shop's services, some with conditions of their own; the bench asks for two of them. */
const MATCHES: readonly string[] = [
  "{ path: { type: PathPrefix, value: / } }",
  "{ path: { type: PathPrefix, value: /orders } }",
  "{ path: { type: PathPrefix, value: /orders }, headers: [{ name: x-version, value: beta }] }",
  "{ path: { type: PathPrefix, value: /orders }, method: DELETE }",
  "{ path: { type: PathPrefix, value: /orders/archive } }",
  "{ path: { type: PathPrefix, value: /pictures } }",
  "{ path: { type: RegularExpression, value: '/pictures/[a-z]+/small' } }",
  "{ path: { type: PathPrefix, value: /carts } }",
  "{ path: { type: Exact, value: /healthz } }",
];

/** Calls of the bench are for the first. */
const METHODS: readonly string[] = [
  "{ service: shop.v1.Orders }",
  "{ service: shop.v1.Orders, method: Cancel }",
  "{ service: shop.v1.Carts }",
];

const BACKEND_REFS = `      backendRefs:
        - { name: backend, port: 80 }
`;

function renderRoutes(): string {
  const rules = MATCHES.map((match) => `    - matches:\n        - ${match}\n${BACKEND_REFS}`);
  const calls = METHODS.map((method) => `    - matches:\n        - { method: ${method} }\n${BACKEND_REFS}`);
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: shop
spec:
  parentRefs:
    - name: bench
  rules:
${rules.join("")}---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata:
  name: calls
spec:
  parentRefs:
    - name: bench
  rules:
${calls.join("")}`;
}

function renderBackend(setup: PeerSetup): string {
  const http2 = setup.path.isGrpc ? "grpc" : "http2";
  return `apiVersion: weft.dev/v1
kind: Service
metadata:
  name: backend
spec:
  protocol: ${setup.path.upstream === "http2" ? http2 : "http"}
  ports:
    - port: 80
  hosts:
    - { address: ${LOOPBACK}, port: ${backendPortOf(setup)} }
---
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata:
  name: backend
spec:
  targetRefs:
    - { group: weft.dev, kind: Service, name: backend }
  healthChecks:
    - { type: http, path: /healthz, interval: 1s }
  connections:
    http1IdleMax: ${PEER_IDLE_UPSTREAM_MAX}
  breaker:
    connectionsMax: ${PEER_CONNECTIONS_MAX}
    pendingMax: ${PEER_CONNECTIONS_MAX}
    requestsMax: ${PEER_CONNECTIONS_MAX}
`;
}
