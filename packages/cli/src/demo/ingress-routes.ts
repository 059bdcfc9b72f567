import { renderCallRoute, renderFile, renderResource, renderRoute } from "./resource-text.ts";

/** The share of the cart's requests that each version gets, at the ingress and beside the storefront. */
export const CART_SPLIT = `        - name: cart-v1
          port: 80
          weight: 90
        - name: cart-v2
          port: 80
          weight: 10
`;

const INGRESS = "name: ingress";

/** The routes that people look at first, and change. */
export const ROUTES: string = renderFile(
  "What happens to requests. Rules compete as Gateway API defines: the most specific path first, then headers.",
  [
    renderRoute(
      "HTTPRoute",
      "storefront",
      INGRESS,
      `    - matches:
        - path: { type: PathPrefix, value: / }
      backendRefs:
        - { name: storefront, port: 80 }
`,
    ),
    renderRoute(
      "HTTPRoute",
      "checkout",
      INGRESS,
      `    - matches:
        - path: { type: Exact, value: /checkout }
      filters:
        # Faults on demand: see faults in more-routes.yaml; 0 % of the requests at first.
        - type: ExtensionRef
          extensionRef: { group: weft.dev, kind: Fault, name: checkout-trouble }
      backendRefs:
        - { name: storefront, port: 80 }
`,
    ),
    renderRoute(
      "HTTPRoute",
      "cart",
      INGRESS,
      `    # A header picks the new version ...
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
${CART_SPLIT}`,
    ),
    renderRoute(
      "GRPCRoute",
      "payment",
      INGRESS,
      `    - matches:
        - method: { service: shop.payment.v1.Payment }
      backendRefs:
        - { name: payment, port: 80 }
`,
    ),
    renderRoute(
      "HTTPRoute",
      "notify",
      INGRESS,
      `    # WebSocket and server-sent events need nothing special.
    - matches:
        - path: { type: Exact, value: /ws }
        - path: { type: Exact, value: /events }
        - path: { type: Exact, value: /publish }
      backendRefs:
        - { name: notify, port: 80 }
`,
    ),
    renderCallRoute("ledger", "com.shop.Ledger", INGRESS),
    renderCallRoute("risk", "com.shop.Risk", INGRESS),
  ],
);

/** The rest of what routes can do, and the filters that they name. */
export const MORE_ROUTES: string = renderFile("The rest of what routes can do, each on a path of its own.", [
  renderRoute(
    "HTTPRoute",
    "recommend",
    INGRESS,
    `    # Every request is copied to the new version; the answers to the copies are dropped.
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
`,
  ),
  renderRoute(
    "HTTPRoute",
    "api",
    INGRESS,
    `    # /api/headers becomes /headers; fields change on the way in and on the way out; browsers elsewhere may call it.
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
`,
  ),
  renderRoute(
    "HTTPRoute",
    "moved",
    INGRESS,
    `    - matches:
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
`,
  ),
  renderRoute(
    "HTTPRoute",
    "trouble",
    INGRESS,
    `    # The first try of each id fails with 503; the client never sees it.
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
`,
  ),
  renderResource(
    "Fault",
    "checkout-trouble",
    `  abort:
    percentage: 0
    httpStatus: 503
`,
    "faults",
  ),
  renderResource(
    "Fault",
    "always-abort",
    `  abort:
    percentage: 100
    httpStatus: 418
`,
  ),
  renderResource(
    "Fault",
    "always-delay",
    `  delay:
    percentage: 100
    duration: 250ms
`,
  ),
  renderResource(
    "Colour",
    "load-test",
    `  value: load-test
`,
  ),
  renderResource(
    "DirectResponse",
    "mesh-health",
    `  status: 200
  body: "the mesh is up\\n"
`,
  ),
]);
