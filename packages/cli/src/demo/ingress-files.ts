import { MORE_ROUTES, ROUTES } from "./ingress-routes.ts";
import type { Mesh } from "./mesh.ts";
import { renderPaymentPolicies, renderTlsPolicy } from "./policy-text.ts";
import { renderFile, renderResource } from "./resource-text.ts";
import { renderIdentity, renderServices } from "./service-text.ts";
import { LOOPBACK } from "./shop/application.ts";

/** The configuration of the ingress, as a person would write it: file name to text. */
export function renderIngressFiles(mesh: Mesh): ReadonlyMap<string, string> {
  return new Map([
    ["gateway.yaml", renderGateway(mesh)],
    ["routes.yaml", ROUTES],
    ["more-routes.yaml", MORE_ROUTES],
    ["policies.yaml", POLICIES],
    ["services.yaml", renderServices(mesh.instances, ["storefront", "cart", "payment", "notify", "ledger", "risk"])],
    ["identity.yaml", renderIdentity("ingress", [SERVER_CERTIFICATE])],
  ]);
}

function renderGateway({ httpPort, httpsPort, adminPort }: Mesh): string {
  const gateway = `  gatewayClassName: weft
  addresses:
    - type: IPAddress
      value: ${LOOPBACK}
  listeners:
    # HTTP/1.1, HTTP/2, Bolt and Dubbo, told apart by the first bytes.
    - name: http
      port: ${httpPort}
      protocol: HTTP
    # The same over TLS, with ALPN.
    - name: https
      port: ${httpsPort}
      protocol: HTTPS
      tls:
        certificateRefs:
          - group: weft.dev
            kind: Certificate
            name: ingress
`;
  const config = `  admin:
    address: ${LOOPBACK}
    port: ${adminPort}
  drain:
    deadline: 5s
`;
  return renderFile(
    "Where traffic enters. A Gateway names addresses and ports; the routes beside it say what happens to requests.",
    [
      renderResource("Gateway", "ingress", gateway),
      renderResource("ProxyConfig", "ingress", config, "What holds for this proxy as a whole."),
    ],
  );
}

const POLICIES = renderFile(
  "How the services behind the ingress are treated. Mutual TLS for all; the payment service may lose an instance.",
  [
    renderTlsPolicy("storefront", ["storefront"]),
    renderTlsPolicy("cart", ["cart", "cart-v1", "cart-v2"]),
    renderTlsPolicy("notify", ["notify"]),
    renderTlsPolicy("ledger", ["ledger"]),
    renderTlsPolicy("risk", ["risk"]),
    ...renderPaymentPolicies(),
  ],
);

const SERVER_CERTIFICATE = renderResource(
  "Certificate",
  "ingress",
  "  certificateFile: server.pem\n  keyFile: server-key.pem\n",
  "Shown to clients from outside.",
);
