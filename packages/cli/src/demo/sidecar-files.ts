import { renderIdentity, renderPaymentPolicies, renderServices, renderTlsPolicy } from "./ingress-files.ts";
import type { Instance, Mesh } from "./mesh.ts";
import { LOOPBACK } from "./shop/application.ts";

/** The configuration of one instance's sidecar: file name to text. */
export function renderSidecarFiles(mesh: Mesh, instance: Instance): ReadonlyMap<string, string> {
  const files = new Map([
    ["proxy.yaml", renderProxy(instance)],
    ["identity.yaml", renderIdentity(instance.service)],
  ]);
  if (instance.outboundPort > 0) {
    files.set("services.yaml", renderServices(mesh.instances, ["cart", "payment", "notify"]));
    files.set("routes.yaml", OUTBOUND_ROUTES);
    files.set("policies.yaml", OUTBOUND_POLICIES);
  }
  return files;
}

function renderProxy(instance: Instance): string {
  const outbound = `  # ${instance.name} calls other services here; the Host header (gRPC: the authority) says which.
  outbound:
    address: ${LOOPBACK}
    port: ${instance.outboundPort}
`;
  return `# The sidecar of ${instance.name}.
apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: ${instance.name}
spec:
  # Requests of others for ${instance.name} come in here, with mutual TLS ...
  inbound:
    address: ${LOOPBACK}
    port: ${instance.inboundPort}
    tls:
      certificateRef: { group: weft.dev, kind: Certificate, name: own }
      caCertificateRef: { group: weft.dev, kind: Certificate, name: authority }
      clientCertificate: required
    # ... and go on to the application, which speaks plain ${instance.protocol === "grpc" ? "gRPC" : "HTTP"}.
    targetAddress: ${LOOPBACK}
    targetPort: ${instance.applicationPort}
    protocol: ${instance.protocol}
${instance.outboundPort > 0 ? outbound : ""}  admin:
    address: ${LOOPBACK}
    port: ${instance.adminPort}
  drain:
    deadline: 5s
`;
}

const OUTBOUND_ROUTES = `# Routes inside the mesh: their parent is the Service that is called.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: cart
spec:
  parentRefs:
    - { group: weft.dev, kind: Service, name: cart }
  rules:
    - backendRefs:
        - name: cart-v1
          port: 80
          weight: 90
        - name: cart-v2
          port: 80
          weight: 10
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata:
  name: payment
spec:
  parentRefs:
    - { group: weft.dev, kind: Service, name: payment }
  rules:
    - backendRefs:
        - { name: payment, port: 80 }
`;

const OUTBOUND_POLICIES = `# How the services that the storefront calls are treated.
${renderTlsPolicy("cart", "cart", ["cart", "cart-v1", "cart-v2"])}---
${renderTlsPolicy("notify", "notify", ["notify"])}---
${renderPaymentPolicies()}`;
