import type { Instance, Mesh } from "./mesh.ts";
import { LOOPBACK } from "./shop/application.ts";

/** The configuration of the ingress, as a person would write it: file name to text. */
export function renderIngressFiles(mesh: Mesh): ReadonlyMap<string, string> {
  return new Map([
    ["gateway.yaml", renderGateway(mesh)],
    ["routes.yaml", ROUTES],
    ["more-routes.yaml", MORE_ROUTES],
    ["policies.yaml", POLICIES],
    ["services.yaml", renderServices(mesh.instances, ["storefront", "cart", "payment", "notify"])],
    ["identity.yaml", renderIdentity("ingress")],
  ]);
}

function renderGateway({ httpPort, httpsPort, adminPort }: Mesh): string {
  return `# Where traffic enters. A Gateway names addresses and ports; the routes beside it say what happens to requests.
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: ingress
spec:
  gatewayClassName: weft
  addresses:
    - type: IPAddress
      value: ${LOOPBACK}
  listeners:
    # HTTP/1.1 and HTTP/2, told apart by the first bytes.
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
---
# What holds for this proxy as a whole.
apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: ingress
spec:
  admin:
    address: ${LOOPBACK}
    port: ${adminPort}
  drain:
    deadline: 5s
`;
}

/** Backend references to the three kinds of service read alike; only weights differ. */
const ROUTES = `# What happens to requests. Rules compete as Gateway API defines: the most specific path first, then headers.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: storefront
spec:
  parentRefs:
    - name: ingress
  rules:
    - matches:
        - path: { type: PathPrefix, value: / }
      backendRefs:
        - { name: storefront, port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: checkout
spec:
  parentRefs:
    - name: ingress
  rules:
    - matches:
        - path: { type: Exact, value: /checkout }
      filters:
        # Faults on demand: see faults in more-routes.yaml; 0 % of the requests at first.
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: Fault, name: checkout-trouble }
      backendRefs:
        - { name: storefront, port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: cart
spec:
  parentRefs:
    - name: ingress
  rules:
    # A header picks the new version ...
    - matches:
        - path: { type: PathPrefix, value: /cart }
          headers:
            - { name: x-version, value: v2 }
      backendRefs:
        - { name: cart-v2, port: 80 }
    # ... and a weight sends it a share of everybody else's requests.
    - matches:
        - path: { type: PathPrefix, value: /cart }
      backendRefs:
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
    - name: ingress
  rules:
    - matches:
        - method: { service: shop.payment.v1.Payment }
      backendRefs:
        - { name: payment, port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: notify
spec:
  parentRefs:
    - name: ingress
  rules:
    # WebSocket and server-sent events need nothing special.
    - matches:
        - path: { type: Exact, value: /ws }
        - path: { type: Exact, value: /events }
        - path: { type: Exact, value: /publish }
      backendRefs:
        - { name: notify, port: 80 }
`;

const MORE_ROUTES = `# The rest of what routes can do, each on a path of its own.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: recommend
spec:
  parentRefs:
    - name: ingress
  rules:
    # Every request is copied to the new version; the answers to the copies are dropped.
    - matches:
        - path: { type: Exact, value: /recommend }
      filters:
        - type: RequestMirror
          requestMirror:
            backendRef: { name: cart-v2, port: 80 }
      backendRefs:
        - { name: cart-v1, port: 80 }
    - matches:
        - path: { type: Exact, value: /recommend/count }
      backendRefs:
        - { name: cart-v2, port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: api
spec:
  parentRefs:
    - name: ingress
  rules:
    # /api/headers becomes /headers; fields change on the way in and on the way out; browsers elsewhere may call it.
    - matches:
        - path: { type: PathPrefix, value: /api }
      filters:
        - type: URLRewrite
          urlRewrite:
            path: { type: ReplacePrefixMatch, replacePrefixMatch: / }
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set: [{ name: x-shop-entrance, value: api }]
            remove: [x-internal]
        - type: ResponseHeaderModifier
          responseHeaderModifier:
            add: [{ name: x-served-by, value: weft }]
        - type: CORS
          cors:
            allowOrigins: ["https://shop.example"]
            allowMethods: [GET, POST]
            maxAge: 600
      backendRefs:
        - { name: storefront, port: 80 }
    # Marks load-test traffic; the mark travels to every service behind.
    - matches:
        - path: { type: PathPrefix, value: /api }
          queryParams:
            - { name: load-test, value: "true" }
      filters:
        - type: URLRewrite
          urlRewrite:
            path: { type: ReplacePrefixMatch, replacePrefixMatch: / }
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: Colour, name: load-test }
      backendRefs:
        - { name: storefront, port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: moved
spec:
  parentRefs:
    - name: ingress
  rules:
    - matches:
        - path: { type: PathPrefix, value: /old-shop }
      filters:
        - type: RequestRedirect
          requestRedirect:
            path: { type: ReplacePrefixMatch, replacePrefixMatch: / }
            statusCode: 301
    - matches:
        - path: { type: Exact, value: /mesh-health }
      filters:
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: DirectResponse, name: mesh-health }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: trouble
spec:
  parentRefs:
    - name: ingress
  rules:
    # The first try of each id fails with 503; the client never sees it.
    - matches:
        - path: { type: Exact, value: /flaky }
      retry:
        codes: [503]
        attempts: 2
        backoff: 10ms
      backendRefs:
        - { name: storefront, port: 80 }
    - matches:
        - path: { type: Exact, value: /trouble/abort }
      filters:
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: Fault, name: always-abort }
      backendRefs:
        - { name: storefront, port: 80 }
    - matches:
        - path: { type: Exact, value: /trouble/delay }
      filters:
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: Fault, name: always-delay }
        - type: URLRewrite
          urlRewrite:
            path: { type: ReplaceFullPath, replaceFullPath: /headers }
      backendRefs:
        - { name: storefront, port: 80 }
---
# faults
apiVersion: weft.dev/v1
kind: Fault
metadata:
  name: checkout-trouble
spec:
  abort:
    percentage: 0
    httpStatus: 503
---
apiVersion: weft.dev/v1
kind: Fault
metadata:
  name: always-abort
spec:
  abort:
    percentage: 100
    httpStatus: 418
---
apiVersion: weft.dev/v1
kind: Fault
metadata:
  name: always-delay
spec:
  delay:
    percentage: 100
    duration: 250ms
---
apiVersion: weft.dev/v1
kind: Colour
metadata:
  name: load-test
spec:
  value: load-test
---
apiVersion: weft.dev/v1
kind: DirectResponse
metadata:
  name: mesh-health
spec:
  status: 200
  body: "the mesh is up\\n"
`;

const POLICIES = `# How the services behind the ingress are treated. Mutual TLS for all; the payment service may lose an instance.
${renderTlsPolicy("storefront", "storefront", ["storefront"])}---
${renderTlsPolicy("cart", "cart", ["cart", "cart-v1", "cart-v2"])}---
${renderTlsPolicy("notify", "notify", ["notify"])}---
${renderPaymentPolicies()}`;

/** The TrafficPolicy that makes calls to services mutual TLS with one identity. */
export function renderTlsPolicy(name: string, identity: string, services: readonly string[]): string {
  return `apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata:
  name: ${name}
spec:
  targetRefs:
${services.map((service) => `    - { group: weft.dev, kind: Service, name: ${service} }\n`).join("")}${renderTls(identity)}`;
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

/** Retries and ejection for payments, the same at the ingress and beside the storefront. */
export function renderPaymentPolicies(): string {
  return `apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata:
  name: payment
spec:
  targetRefs:
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
${renderTls("payment")}---
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata:
  name: payment-retry
spec:
  targetRefs:
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
}

/** Services by their instances' sidecars. Cart is there as a whole and by version. */
export function renderServices(instances: readonly Instance[], names: readonly string[]): string {
  const documents = names.flatMap((name) => {
    const hosts = instances.filter(({ service }) => service === name);
    const versions = name === "cart" ? hosts.map((host) => renderService(host.name, [host])) : [];
    return [renderService(name, hosts), ...versions];
  });
  return `# Where services are: the addresses of their sidecars. References name the Service and its port.\n${documents.join("---\n")}`;
}

function renderService(name: string, hosts: readonly Instance[]): string {
  return `apiVersion: weft.dev/v1
kind: Service
metadata:
  name: ${name}
spec:
  protocol: ${hosts[0]?.protocol ?? "http"}
  ports:
    - port: 80
  hosts:
${hosts.map((host) => `    - { address: ${LOOPBACK}, port: ${host.inboundPort} } # ${host.name}\n`).join("")}`;
}

/** The certificates of one proxy, in PEM files beside it. */
export function renderIdentity(name: string): string {
  const gateway =
    name === "ingress"
      ? `---
# Shown to clients from outside.
apiVersion: weft.dev/v1
kind: Certificate
metadata:
  name: ingress
spec:
  certificateFile: server.pem
  keyFile: server-key.pem
`
      : "";
  return `# Who this proxy is (${spiffeId(name)}), and whom it believes.
apiVersion: weft.dev/v1
kind: Certificate
metadata:
  name: own
spec:
  certificateFile: own.pem
  keyFile: own-key.pem
---
apiVersion: weft.dev/v1
kind: Certificate
metadata:
  name: authority
spec:
  caFile: authority.pem
${gateway}`;
}

/** The name that a service proves to have. */
export function spiffeId(service: string): string {
  return `spiffe://shop.local/ns/default/sa/${service}`;
}
