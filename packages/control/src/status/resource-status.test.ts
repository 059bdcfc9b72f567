import assert from "node:assert/strict";
import { test } from "node:test";
import { linkResources, parseResources } from "../load/load-resources.ts";
import { fileOf, gateway, route, service } from "../load/resources.fixture.ts";
import { resourceStatuses } from "./resource-status.ts";

/** Kind, name and conditions, shortened to "type=status reason". */
function outline(documents: readonly string[]): readonly string[] {
  const files = [fileOf(...documents)];
  const parsed = parseResources(files);
  const { problems, compiled } = linkResources(parsed, new Map(), files);
  return resourceStatuses({ resources: parsed.resources, problems, compiled }).map(
    ({ kind, name, conditions, listeners }) =>
      `${kind} ${name}: ${[
        ...conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
        ...listeners.map((listener) => `${listener.name} has ${listener.attachedRoutes}`),
      ].join(", ")}`,
  );
}

const BACKEND = "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]";
const GOOD = "Accepted=True Accepted, ResolvedRefs=True ResolvedRefs, Programmed=True Programmed";
const PENDING = "Accepted=True Accepted, ResolvedRefs=True ResolvedRefs, Programmed=False Pending";

test("resourceStatuses() says that all is well, and how many routes listeners have", () => {
  assert.deepEqual(outline([gateway(), service("cart"), route("a", BACKEND), route("b", "")]), [
    `Gateway web: ${GOOD}, http has 2`,
    `HTTPRoute a: ${GOOD}`,
    `HTTPRoute b: ${GOOD}`,
    `Service cart: ${GOOD}`,
  ]);
});

test("resourceStatuses() says which reference does not resolve, and that the others wait", () => {
  assert.deepEqual(outline([gateway(), route("a", BACKEND), route("b", "").replace("name: web", "name: wbe")]), [
    `Gateway web: ${PENDING}, http has 1`,
    "HTTPRoute a: Accepted=True Accepted, ResolvedRefs=False BackendNotFound, Programmed=False Invalid",
    "HTTPRoute b: Accepted=False NoMatchingParent, ResolvedRefs=True ResolvedRefs, Programmed=False Invalid",
  ]);
});

test("resourceStatuses() has resources that do not fit their schema, and conflicts", () => {
  assert.deepEqual(outline([service("cart"), service("next", "  prots: 1")]), [
    `Service cart: ${PENDING}`,
    "Service next: Accepted=False Invalid, ResolvedRefs=True ResolvedRefs, Programmed=False Invalid",
  ]);
  assert.deepEqual(outline([gateway(), gateway().replace("name: web", "name: two")]), [
    `Gateway two: ${PENDING}, http has 0`,
    "Gateway web: Accepted=False HostnameConflict, ResolvedRefs=True ResolvedRefs, Programmed=False Invalid, http has 0",
  ]);
});

test("resourceStatuses() repeats the problem in the message", () => {
  const files = [fileOf(gateway(), route("a", BACKEND))];
  const parsed = parseResources(files);
  const { problems, compiled } = linkResources(parsed, new Map(), files);
  const status = resourceStatuses({ resources: parsed.resources, problems, compiled }).find(
    ({ kind }) => kind === "HTTPRoute",
  );
  assert.equal(
    status?.conditions[1]?.message,
    'spec.rules[0].backendRefs[0].name: "cart" — expected an existing Service of namespace default',
  );
});
