import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, problemsOf, service } from "./resources.fixture.ts";

const policy = (spec: string, target = "{ kind: Service, name: cart }"): string =>
  `apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: { name: p }\nspec:\n  targetRefs: [${target}]\n${spec}`;
const kind = (name: string, spec: string, version = "weft.dev/v1"): string =>
  `apiVersion: ${version}\nkind: ${name}\nmetadata: { name: x }\nspec:\n${spec}`;

test("loadResources() names what is wrong with a policy's target", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy("", "{ kind: Service, name: crat }"),
      policy("", "{ kind: Pod, name: cart }").replace("name: p", "name: q"),
      policy("", "{ kind: Service, group: apps, name: cart }").replace("name: p", "name: r"),
      policy("", "{ kind: Service, name: cart, sectionName: grpc }").replace("name: p", "name: s"),
    ]),
    [
      'shop.yaml:12: TrafficPolicy default/p spec.targetRefs[0].name: "crat" — expected an existing Service of namespace default; did you mean "cart"?',
      'shop.yaml:18: TrafficPolicy default/q spec.targetRefs[0].kind: "Pod" — expected one of "Service", "HTTPRoute", "GRPCRoute", "RpcRoute", "Gateway"',
      'shop.yaml:24: TrafficPolicy default/r spec.targetRefs[0].group: "apps" — expected "weft.dev" or ""',
      'shop.yaml:30: TrafficPolicy default/s spec.targetRefs[0].sectionName: "grpc" — expected one of 80',
    ],
  );
});

test("loadResources() names what is wrong with two policies for one target", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy("  retryBudget: { percentage: 10 }"),
      policy("  retryBudget: { percentage: 20 }").replace("name: p", "name: q"),
    ]),
    [
      'shop.yaml:19: TrafficPolicy default/q spec.targetRefs[0].name: "cart" — expected a target without another TrafficPolicy (default/p is older or first by name)',
    ],
  );
});

test("loadResources() names what is wrong with balancing", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy(
        "  balancing: { algorithm: least-request, ringSizeMin: 5, tableSize: 100, choices: 1, panicThreshold: 101 }",
      ),
      policy(
        "  balancing: { algorithm: maglev, tableSize: 100, hashOn: [{ type: header }, { type: source-ip, name: x }, { type: cookie, name: 'a b' }] }",
      ).replace("name: p", "name: q"),
      policy("  balancing: { algorithm: roundrobin }").replace("name: p", "name: r"),
      policy("  balancing: { algorithm: least-request, choices: 2, decay: 1s }").replace("name: p", "name: s"),
    ]),
    [
      'shop.yaml:13: TrafficPolicy default/p spec.balancing.ringSizeMin: 5 — expected no ringSizeMin unless algorithm is "ring-hash"',
      'shop.yaml:13: TrafficPolicy default/p spec.balancing.tableSize: 100 — expected no tableSize unless algorithm is "maglev"',
      "shop.yaml:13: TrafficPolicy default/p spec.balancing.tableSize: 100 — expected a prime number, such as 65537",
      "shop.yaml:13: TrafficPolicy default/p spec.balancing.choices: 1 — expected an integer from 2 to 16",
      "shop.yaml:13: TrafficPolicy default/p spec.balancing.panicThreshold: 101 — expected a number from 0 to 100",
      "shop.yaml:20: TrafficPolicy default/q spec.balancing.tableSize: 100 — expected a prime number, such as 65537",
      "shop.yaml:20: TrafficPolicy default/q spec.balancing.hashOn[0].name: missing — expected the name of the header",
      'shop.yaml:20: TrafficPolicy default/q spec.balancing.hashOn[1].name: "x" — expected no name for source-ip',
      'shop.yaml:20: TrafficPolicy default/q spec.balancing.hashOn[2].name: "a b" — expected the name of a cookie: letters, digits and !#$%&\'*+-.^_`|~',
      'shop.yaml:27: TrafficPolicy default/r spec.balancing.algorithm: "roundrobin" — expected one of "round-robin", "random", "least-request", "peak-ewma", "ring-hash", "maglev"',
      'shop.yaml:34: TrafficPolicy default/s spec.balancing.decay: "1s" — expected no decay unless algorithm is "peak-ewma"',
    ],
  );
});

test("loadResources() names what is wrong with heartbeats", () => {
  const [p, q, r, s, t] = ["p", "q", "r", "s", "t"].map(
    (name) =>
      (spec: string): string =>
        policy(`  heartbeat: { ${spec} }`)
          .replace("name: p", `name: ${name}`)
          .replace("name: cart }", `name: ${name} }`),
  );
  assert.ok(p && q && r && s && t);
  const services = ["p", "q", "r", "s", "t"].map((name) => service(name));
  const said = problemsOf([
    ...services,
    p("mode: sometimes, period: 0s, misses: 0, jitter: 60"),
    q("mode: fixed, periodMax: 30s"),
    r("period: 30s, periodMax: 20s"),
    s("period: 90s, periodMax: 100s"),
    t("timeout: 2s, peerIdleTimeout: 2s"),
  ]).map((each) => each.replace(/^shop.yaml:\d+: TrafficPolicy default\//, ""));
  assert.deepEqual(said, [
    'p spec.heartbeat.mode: "sometimes" — expected one of "adaptive", "fixed", "off"',
    'p spec.heartbeat.period: "0s" — expected a duration above zero such as "1m30s" (numbers with h, m, s or ms), at most 24h',
    "p spec.heartbeat.misses: 0 — expected an integer from 1 to 100",
    "p spec.heartbeat.jitter: 60 — expected a number from 0 to 50",
    'q spec.heartbeat.periodMax: "30s" — expected no periodMax where mode is "fixed"',
    'r spec.heartbeat.periodMax: "20s" — expected at least the period, 30s',
    's spec.heartbeat.period: "90s" — expected at most 89000 ms: peerIdleTimeout (90000 ms) less the timeout of an answer',
    's spec.heartbeat.periodMax: "100s" — expected at most 89000 ms: peerIdleTimeout (90000 ms) less the timeout of an answer',
    't spec.heartbeat.peerIdleTimeout: "2s" — expected more than the timeout: a heartbeat and its answer go between two idle closes of the peer',
  ]);
});

test("loadResources() says where keepalive has gone", () => {
  const [said] = problemsOf([service("cart"), policy("  connections: { keepalive: { interval: 1s } }")]);
  assert.match(said ?? "", /spec\.connections\.keepalive.*spec\.heartbeat says how silent connections are asked/);
});

test("loadResources() names what is wrong with hash keys without a hash", () => {
  assert.deepEqual(problemsOf([service("cart"), policy("  balancing: { hashOn: [{ type: source-ip }] }")]), [
    'shop.yaml:13: TrafficPolicy default/p spec.balancing.hashOn: [{"type":"source-ip"}] — expected no hashOn unless algorithm is "ring-hash" or "maglev"',
  ]);
});

test("loadResources() names what is wrong with policy fields without effect", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      gateway(),
      policy("  retry: { attempts: 1 }\n  timeouts: { request: 1s }"),
      policy(
        "  breaker: {}\n  timeouts: { response: 1s }\n  balancing: { algorithm: random }",
        "{ kind: Gateway, name: web }",
      ).replace("name: p", "name: q"),
    ]),
    [
      'shop.yaml:21: TrafficPolicy default/p spec.retry: {"attempts":1} — expected no such field in a policy for a Service: it would have no effect',
      'shop.yaml:22: TrafficPolicy default/p spec.timeouts.request: "1s" — expected no such field in a policy for a Service: it would have no effect',
      "shop.yaml:29: TrafficPolicy default/q spec.breaker: {} — expected no such field in a policy for a Gateway: it would have no effect",
      'shop.yaml:30: TrafficPolicy default/q spec.timeouts.response: "1s" — expected no such field in a policy for a Gateway: it would have no effect',
      'shop.yaml:31: TrafficPolicy default/q spec.balancing.algorithm: "random" — expected no such field in a policy for a Gateway: it would have no effect',
    ],
  );
});

test("loadResources() names what is wrong with a policy's retries", () => {
  assert.deepEqual(
    problemsOf([
      gateway(),
      policy(
        "  retry: { on: [reset], statuses: [503], attempts: 17, backoff: { base: 1s, max: 10ms } }",
        "{ kind: Gateway, name: web }",
      ),
      policy(
        "  retry: { on: [status, grpc-status], grpcStatuses: [], backoff: { base: 1s, max: 10ms } }",
        "{ kind: Gateway, name: web }",
      ).replace("name: p", "name: q"),
    ]),
    [
      'shop.yaml:14: TrafficPolicy default/p spec.retry.statuses: [503] — expected no statuses unless on has "status"',
      "shop.yaml:14: TrafficPolicy default/p spec.retry.attempts: 17 — expected an integer from 0 to 16",
      'shop.yaml:14: TrafficPolicy default/p spec.retry.backoff.max: "10ms" — expected at least backoff.base, 1s',
      'shop.yaml:21: TrafficPolicy default/q spec.retry.statuses: missing — expected at least one entry for condition "status"',
      'shop.yaml:21: TrafficPolicy default/q spec.retry.grpcStatuses: [] — expected at least one entry for condition "grpc-status"',
      'shop.yaml:21: TrafficPolicy default/q spec.retry.backoff.max: "10ms" — expected at least backoff.base, 1s',
    ],
  );
});

test("loadResources() names what is wrong with health checks", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy(
        "  healthChecks: [{ type: tcp, path: /x }, { type: http, service: a, expectedStatuses: ['299-200', '99'] }, { type: http, interval: 1s, timeout: 2s }, { type: http, interval: 1h, timeout: 20m }]",
      ),
      policy(
        "  healthChecks: [{ type: http, interval: 1s, timeout: 2s, expectedStatuses: [299-200] }, { type: grpc, path: /x, interval: 1h, timeout: 20m }]",
      ).replace("name: p", "name: q"),
    ]),
    [
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[0].path: "/x" — expected no path unless type is "http"',
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[1].service: "a" — expected no service unless type is "grpc"',
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[1].expectedStatuses[0]: "299-200" — expected a range with its lower end first',
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[1].expectedStatuses[1]: "99" — expected a status or range such as "200" or "200-399"',
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[2].timeout: "2s" — expected at most the interval, 1s',
      'shop.yaml:13: TrafficPolicy default/p spec.healthChecks[3].timeout: "20m" — expected at most 10m',
      'shop.yaml:20: TrafficPolicy default/q spec.healthChecks[0].timeout: "2s" — expected at most the interval, 1s',
      'shop.yaml:20: TrafficPolicy default/q spec.healthChecks[0].expectedStatuses[0]: "299-200" — expected a range with its lower end first',
      'shop.yaml:20: TrafficPolicy default/q spec.healthChecks[1].path: "/x" — expected no path unless type is "http"',
      'shop.yaml:20: TrafficPolicy default/q spec.healthChecks[1].timeout: "20m" — expected at most 10m',
    ],
  );
});

test("loadResources() names what is wrong with outlier detection", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy("  outlier: { baseEjection: 1m, maxEjection: 1s, maxEjected: -1 }"),
      policy("  outlier: { baseEjection: 1m, maxEjection: 1s }").replace("name: p", "name: q"),
    ]),
    [
      'shop.yaml:13: TrafficPolicy default/p spec.outlier.maxEjection: "1s" — expected at least baseEjection, 1m',
      "shop.yaml:13: TrafficPolicy default/p spec.outlier.maxEjected: -1 — expected a number from 0 to 100",
      'shop.yaml:20: TrafficPolicy default/q spec.outlier.maxEjection: "1s" — expected at least baseEjection, 1m',
    ],
  );
});

test("loadResources() names what is wrong with two policies for TLS", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      policy("  tls: {}"),
      kind(
        "BackendTLSPolicy",
        "  targetRefs: [{ group: '', kind: Service, name: cart }]\n  validation: { hostname: cart.example, wellKnownCACertificates: System }",
        "gateway.networking.k8s.io/v1",
      ),
    ]),
    [
      "shop.yaml:13: TrafficPolicy default/p spec.tls: {} — expected no tls, because BackendTLSPolicy x has it for the same Service",
    ],
  );
});

test("loadResources() names what is wrong with a BackendTLSPolicy", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      kind(
        "BackendTLSPolicy",
        "  targetRefs: [{ group: '', kind: Service, name: cart }]\n  validation: { hostname: cart.example, subjectAltNames: [{ type: Hostname, hostname: a }] }\n  options: {}",
        "gateway.networking.k8s.io/v1",
      ),
      kind(
        "BackendTLSPolicy",
        "  targetRefs: [{ group: '', kind: Service, name: cart }]\n  validation: { hostname: '*.cart.example' }",
        "gateway.networking.k8s.io/v1",
      ).replace("name: x", "name: y"),
      kind(
        "BackendTLSPolicy",
        "  targetRefs: [{ group: '', kind: Service, name: cart }]\n  validation: { hostname: cart.example }",
        "gateway.networking.k8s.io/v1",
      ).replace("name: x", "name: z"),
    ]),
    [
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.subjectAltNames[0].uri: missing — expected an absolute URI such as "spiffe://shop.example/ns/shop/sa/cart"',
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.subjectAltNames[0].type: "Hostname" — expected "URI"',
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.subjectAltNames[0].hostname: "a" — expected no such field; known are type, uri',
      "shop.yaml:14: BackendTLSPolicy default/x spec.options: {} — expected no such field: Weft has no options here; TrafficPolicy tls sets versions and client certificates",
      'shop.yaml:21: BackendTLSPolicy default/y spec.validation: {"hostname":"*.cart.example"} — expected exactly one of caCertificateRefs and wellKnownCACertificates',
      'shop.yaml:21: BackendTLSPolicy default/y spec.validation.hostname: "*.cart.example" — expected a lower-case host name such as "shop.example.com", without wildcard and not an IP address',
      'shop.yaml:28: BackendTLSPolicy default/z spec.validation: {"hostname":"cart.example"} — expected exactly one of caCertificateRefs and wellKnownCACertificates',
    ],
  );
});

test("loadResources() names what is wrong with authorities", () => {
  assert.deepEqual(
    problemsOf([
      service("cart"),
      kind(
        "BackendTLSPolicy",
        "  targetRefs: [{ group: '', kind: Service, name: cart }]\n  validation: { hostname: cart.example, caCertificateRefs: [{ group: '', kind: ConfigMap, name: ca }, { group: '', kind: Secret, name: ca }, { group: '', kind: Certificate, name: ca }] }",
        "gateway.networking.k8s.io/v1",
      ),
    ]),
    [
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.caCertificateRefs[0].name: "ca" — expected an existing ConfigMap of namespace default',
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.caCertificateRefs[1].kind: "Secret" — expected "ConfigMap" or "Certificate"',
      'shop.yaml:13: BackendTLSPolicy default/x spec.validation.caCertificateRefs[2].group: "" — expected "weft.dev" for kind Certificate',
    ],
  );
});

test("loadResources() names what is wrong with how calls share connections", () => {
  const target = "{ kind: Service, name: cart }";
  assert.deepEqual(
    problemsOf([service("cart"), policy("  connections: { rpcSharing: bound, rpcConnectionsMax: 2 }", target)]),
    [
      "shop.yaml:13: TrafficPolicy default/p spec.connections.rpcConnectionsMax: 2 — expected no such field with rpcSharing bound: it would have no effect",
    ],
  );
  assert.deepEqual(
    problemsOf([service("cart"), policy("  connections: { rpcConnectionsMax: 2, rpcConnectionsMin: 3 }", target)]),
    [
      "shop.yaml:13: TrafficPolicy default/p spec.connections.rpcConnectionsMin: 3 — expected at most rpcConnectionsMax, which is 2",
    ],
  );
});
