import { CART_SPLIT } from "./ingress-routes.ts";
import type { DemoProtocol, Instance, Mesh } from "./mesh.ts";
import { renderPaymentPolicies, renderTlsPolicy } from "./policy-text.ts";
import { renderCallRoute, renderFile, renderResource, renderRoute } from "./resource-text.ts";
import { renderIdentity, renderServices } from "./service-text.ts";
import { LOOPBACK } from "./shop/application.ts";

/** The configuration of one instance's sidecar: file name to text. */
export function renderSidecarFiles(mesh: Mesh, instance: Instance): ReadonlyMap<string, string> {
  const files = new Map([
    ["proxy.yaml", renderProxy(instance)],
    ["identity.yaml", renderIdentity(instance.service, [])],
  ]);
  if (instance.outboundPort > 0) {
    files.set("services.yaml", renderServices(mesh.instances, ["cart", "payment", "notify", "ledger", "risk"]));
    files.set("routes.yaml", OUTBOUND_ROUTES);
    files.set("policies.yaml", OUTBOUND_POLICIES);
  }
  return files;
}

const SPOKEN: Readonly<Record<DemoProtocol, string>> = { http: "HTTP", grpc: "gRPC", bolt: "Bolt", dubbo: "Dubbo" };

function renderProxy(instance: Instance): string {
  const outbound = `  # ${instance.name} calls other services here; the Host header (gRPC: the authority, Bolt and Dubbo: the interface) says which.
  outbound:
    address: ${LOOPBACK}
    port: ${instance.outboundPort}
`;
  const spec = `  # Requests of others for ${instance.name} come in here, with mutual TLS ...
  inbound:
    address: ${LOOPBACK}
    port: ${instance.inboundPort}
    tls:
      certificateRef: { group: weft.dev, kind: Certificate, name: own }
      caCertificateRef: { group: weft.dev, kind: Certificate, name: authority }
      clientCertificate: required
    # ... and go on to the application, which speaks plain ${SPOKEN[instance.protocol]}.
    targetAddress: ${LOOPBACK}
    targetPort: ${instance.applicationPort}
    protocol: ${instance.protocol}
${instance.outboundPort > 0 ? outbound : ""}  admin:
    address: ${LOOPBACK}
    port: ${instance.adminPort}
  drain:
    deadline: 5s
`;
  return renderFile(`The sidecar of ${instance.name}.`, [renderResource("ProxyConfig", instance.name, spec)]);
}

const OUTBOUND_ROUTES = renderFile("Routes inside the mesh: their parent is the Service that is called.", [
  renderRoute(
    "HTTPRoute",
    "cart",
    "{ group: weft.dev, kind: Service, name: cart }",
    `    - backendRefs:\n${CART_SPLIT}`,
  ),
  renderRoute(
    "GRPCRoute",
    "payment",
    "{ group: weft.dev, kind: Service, name: payment }",
    "    - backendRefs:\n        - { name: payment, port: 80 }\n",
  ),
  renderCallRoute("ledger", "com.shop.Ledger", "{ group: weft.dev, kind: Service, name: ledger }"),
  renderCallRoute("risk", "com.shop.Risk", "{ group: weft.dev, kind: Service, name: risk }"),
]);

const OUTBOUND_POLICIES = renderFile("How the services that the storefront calls are treated.", [
  renderTlsPolicy("cart", ["cart", "cart-v1", "cart-v2"]),
  renderTlsPolicy("notify", ["notify"]),
  renderTlsPolicy("ledger", ["ledger"]),
  renderTlsPolicy("risk", ["risk"]),
  ...renderPaymentPolicies(),
]);
