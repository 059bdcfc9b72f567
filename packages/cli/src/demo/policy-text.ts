import { renderResource } from "./resource-text.ts";

/** The name that a service proves to have. */
export function spiffeId(service: string): string {
  return `spiffe://shop.local/ns/default/sa/${service}`;
}

/** The TrafficPolicy that makes calls to services mutual TLS with one identity, whose name it has. */
export function renderTlsPolicy(identity: string, services: readonly string[]): string {
  const targets = services.map((service) => `    - { group: weft.dev, kind: Service, name: ${service} }\n`);
  return renderResource("TrafficPolicy", identity, `  targetRefs:\n${targets.join("")}${renderTls(identity)}`);
}

function renderTls(identity: string): string {
  return `  tls:
    # Both sides show certificates; only this identity is taken for the service.
    serverName: ${identity}
    minVersion: TLSv1.3
    caCertificateRef: { group: weft.dev, kind: Certificate, name: authority }
    clientCertificateRef: { group: weft.dev, kind: Certificate, name: own }
    subjectAltNames: ["${spiffeId(identity)}"]
`;
}

const PAYMENT = `  targetRefs:
    - { group: weft.dev, kind: Service, name: payment }
  # An instance that fails three times in a row gets no requests for a while ...
  outlier:
    consecutiveErrors: 3
    interval: 1s
    baseEjection: 5s
    maxEjection: 30s
  # ... and one that says that it does not serve gets none at all.
  healthChecks:
    - type: grpc
      interval: 1s
      timeout: 500ms
      healthyThreshold: 1
      unhealthyThreshold: 2
  retryBudget:
    percentage: 50
`;

const PAYMENT_RETRY = `  targetRefs:
    - { group: gateway.networking.k8s.io, kind: GRPCRoute, name: payment }
  # Charges are idempotent by their order, so they may be tried again at another instance.
  retry:
    attempts: 3
    "on": [connect-failure, reset, gateway-error, grpc-status]
    grpcStatuses: [14]
    nonIdempotent: true
    backoff:
      base: 10ms
      max: 100ms
`;

/** Retries and ejection for payments, the same at the ingress and beside the storefront. */
export function renderPaymentPolicies(): readonly string[] {
  return [
    renderResource("TrafficPolicy", "payment", PAYMENT + renderTls("payment")),
    renderResource("TrafficPolicy", "payment-retry", PAYMENT_RETRY),
  ];
}
