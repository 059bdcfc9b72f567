import assert from "node:assert/strict";
import { test } from "node:test";
import type { TableExplanation } from "@weft/proxy";
import { isRouted, pickListeners, renderExplanations } from "./explain-view.ts";

const PLACE = { route: "shop/cart", rule: 5, ruleName: "checkout", matchIndex: 1 };

function explanation(changes: Partial<TableExplanation> = {}): TableExplanation {
  return {
    table: "0.0.0.0:8080",
    host: "shop.example",
    path: "/cart",
    groups: [],
    winner: null,
    effects: null,
    answer: null,
    refusal: "ROUTER_NO_MATCH",
    status: 404,
    nearMisses: [],
    isTruncated: false,
    listeners: [{ name: "0.0.0.0:8080", address: "0.0.0.0", port: 8080, isTls: false }],
    ...changes,
  };
}

function routed(changes: Partial<TableExplanation> = {}): TableExplanation {
  const backends = [
    { cluster: "shop/cart:80", share: 0.9 },
    { cluster: "shop/next:80", share: 0.1 },
  ];
  const winner = { ...PLACE, isFallback: false, action: { type: "forward", backends } } as const;
  return explanation({ winner, refusal: null, status: null, ...changes });
}

const TLS = {
  table: "edge",
  listeners: [{ name: "edge", address: "::", port: 8443, isTls: true }],
};

test("renderExplanations() names listener, rule and what becomes of the request", () => {
  const taken = { ...PLACE, path: 'prefix "/cart"', rejectedBecause: [] };
  const groups = [
    { hostname: "*", candidates: [{ ...taken, rule: 0, ruleName: "", rejectedBecause: ["a", "b"] }, taken] },
  ];
  assert.equal(
    renderExplanations({ asked: [routed({ groups })], others: [], missingPort: null }),
    `listener 0.0.0.0:8080: shop/cart rules[5] "checkout" matches[1] -> shop/cart:80 (90 %), shop/next:80 (10 %)
  rules for host * that fit the path
    ✖ shop/cart rules[0] matches[1] prefix "/cart": a; b
    ✔ shop/cart rules[5] "checkout" matches[1] prefix "/cart"`,
  );
  const action = { type: "redirect", status: 301 } as const;
  const redirected = routed({ ...TLS, winner: { ...PLACE, isFallback: false, action }, status: 301 });
  assert.equal(
    renderExplanations({ asked: [redirected], others: [], missingPort: null }),
    'listener edge [::]:8443 (TLS): shop/cart rules[5] "checkout" matches[1], redirected with 301',
  );
});

test("renderExplanations() says which hosts of a backend the request asks for", () => {
  const backends = [{ cluster: "shop/cart:80", share: 1, subset: { version: "v2", stage: "test" } }];
  const winner = { ...PLACE, isFallback: false, action: { type: "forward", backends } } as const;
  assert.equal(
    renderExplanations({
      asked: [explanation({ winner, refusal: null, status: null })],
      others: [],
      missingPort: null,
    }),
    'listener 0.0.0.0:8080: shop/cart rules[5] "checkout" matches[1] -> shop/cart:80 with version=v2 and stage=test',
  );
});

test("renderExplanations() shows near misses, and the listener that would route it", () => {
  const near = { ...PLACE, path: 'prefix "/card"', rejectedBecause: ['path "/cart" does not match'] };
  assert.equal(
    renderExplanations({
      asked: [explanation({ nearMisses: [near], isTruncated: true })],
      others: [explanation(), routed(TLS)],
      missingPort: null,
    }),
    `listener 0.0.0.0:8080: answered 404, no route matches
  nearest of the other rules
    ✖ shop/cart rules[5] "checkout" matches[1] prefix "/card": path "/cart" does not match
  ... and more rules than are listed

But listener edge [::]:8443 (TLS) routes it: shop/cart rules[5] "checkout" matches[1] -> shop/cart:80 (90 %), shop/next:80 (10 %)`,
  );
  const fallback = {
    ...PLACE,
    route: "shop/edge/http",
    isFallback: true,
    action: { type: "respond", status: 404 },
  } as const;
  assert.equal(
    renderExplanations({ asked: [explanation({ winner: fallback, refusal: null })], others: [], missingPort: null }),
    "listener 0.0.0.0:8080: answered 404, no route of shop/edge/http matches",
  );
});

test("renderExplanations() says that nobody listens on the port that was asked about", () => {
  assert.equal(
    renderExplanations({ asked: [explanation()], others: [], missingPort: 9999 }),
    `No listener is on port 9999. To one of these, as a part of the Host header:

listener 0.0.0.0:8080: answered 404, no route matches`,
  );
});

test("isRouted() is false for the answer that no route matches", () => {
  assert.equal(isRouted(routed()), true);
  assert.equal(isRouted(explanation()), false);
  const winner = { ...PLACE, isFallback: true, action: { type: "respond", status: 404 } } as const;
  assert.equal(isRouted(explanation({ winner })), false);
});

test("pickListeners() takes the listeners on the port, or all where nobody listens on it", () => {
  const all = [explanation(), routed(TLS)];
  assert.deepEqual(pickListeners(all, 8443), { asked: [all[1]], others: [all[0]], missingPort: null });
  assert.deepEqual(pickListeners(all, 80), { asked: all, others: [], missingPort: 80 });
  assert.deepEqual(pickListeners(all, null), { asked: all, others: [], missingPort: null });
});

test("renderExplanations() says what the proxy answers of its own", () => {
  const render = (changes: Partial<TableExplanation>): string =>
    renderExplanations({ asked: [routed(changes)], others: [], missingPort: null });
  const refused = { by: "listener", status: 405, code: "PROXY_METHOD_REFUSED", location: "" } as const;
  assert.match(render({ answer: refused }), /: answered 405, PROXY_METHOD_REFUSED, whatever the route$/);
  assert.equal(isRouted(routed({ answer: refused })), false);
  const preflight = { by: "rule", status: 204, code: "", location: "" } as const;
  assert.match(render({ answer: preflight }), /matches\[1\], answered with 204 \(CORS preflight\)$/);
  assert.equal(isRouted(routed({ answer: preflight })), true);
  const fault = { ...preflight, status: 503, code: "PROXY_FAULT_INJECTED" };
  assert.match(render({ answer: fault }), /answered with 503, PROXY_FAULT_INJECTED$/);
  const action = { type: "redirect", status: 301 } as const;
  const location = { ...preflight, status: 301, location: "https://shop.example/" };
  assert.match(
    render({ winner: { ...PLACE, isFallback: false, action }, answer: location }),
    /, redirected with 301 to https:\/\/shop\.example\/$/,
  );
});

test("renderExplanations() says what happens to a request on its way", () => {
  const effects = {
    sentAuthority: "shop.example",
    authority: "cart.internal",
    path: "/v2/cart",
    requestHeaders: ["set x-a", "remove x-b"],
    responseHeaders: ["add x-c"],
    mirrors: [{ cluster: "shop/copy:80", share: 0.1 }],
    fault: { abortShare: 0.25, abortStatus: 503, abortGrpcStatus: 0, delayShare: 0.5, delayMs: 20 },
    timeoutMs: 1500,
    retry: { retriesMax: 2, on: ["reset", "5xx"], perTryTimeoutMs: 400 },
  } as const;
  const lines = renderExplanations({ asked: [routed({ effects })], others: [], missingPort: null }).split("\n");
  assert.deepEqual(lines.slice(1), [
    "  25 % are answered with 503, PROXY_FAULT_INJECTED",
    "  50 % wait 20 ms first",
    "  10 % are copied to shop/copy:80",
    "  the host sees the path /v2/cart",
    "  the host sees the host name cart.internal",
    "  headers of the request: set x-a, remove x-b",
    "  headers of the answer: add x-c",
    "  504 after 1500 ms",
    "  tried again up to 2 times (reset, 5xx), each try at most 400 ms",
  ]);
});
