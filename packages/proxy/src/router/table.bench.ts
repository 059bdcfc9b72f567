// Run: node -C source packages/proxy/src/router/table.bench.ts
import type { RouteRule } from "@weft/contract";
import { bench, do_not_optimize, run, summary } from "mitata";
import { headFixture, ruleFixture } from "./route-rule.fixture.ts";
import { compileRouteTable, type RouteTable } from "./table.ts";

/** A tenth of the routes are exact paths, the others prefixes; ten hosts to a wildcard, ten routes to a host. */
function routes(count: number): RouteTable {
  const rules: RouteRule[] = [];
  for (let index = 0; index < count; index++) {
    const service = Math.floor(index / 10);
    const value = `/api/v${index % 10}/orders`;
    rules.push(
      ruleFixture({
        route: `shop/route-${index}`,
        hostnames: [service % 10 === 9 ? `*.group-${service}.example.com` : `service-${service}.shop.example.com`],
        match: {
          path: { type: index % 10 === 0 ? "exact" : "prefix", value },
          method: "",
          headers: [],
          queryParams: [],
        },
      }),
    );
  }
  return compileRouteTable({ name: "bench", rules });
}

const FIELDS = ["user-agent", "bench/1", "accept", "*/*", "x-request-id", "0af7651916cd43dd8448eb211c80319c"];

for (const count of [10, 1000, 10_000]) {
  const table = routes(count);
  const heads = Array.from({ length: 64 }, (_, index) => {
    const route = (index * 7919) % count;
    const service = Math.floor(route / 10);
    const host = service % 10 === 9 ? `a.group-${service}.example.com` : `service-${service}.shop.example.com`;
    return headFixture(host, `/api/v${route % 10}/orders${route % 10 === 0 ? "" : "/1234567/items"}?page=2`, FIELDS);
  });
  for (const head of heads)
    if (table.match(head) === undefined) throw new Error(`${head.authority}${head.path} has no route`);
  let turn = 0;
  summary(() => {
    bench(`match, ${count} routes, head seen before`, () =>
      do_not_optimize(table.match(heads[turn++ & 63] ?? headFixture("", "/"))));
    bench(`match, ${count} routes, head seen first`, () => {
      const head = heads[turn++ & 63] ?? headFixture("", "/");
      head.memo = null;
      return do_not_optimize(table.match(head));
    });
  });
}

const conditional = compileRouteTable({
  name: "bench",
  rules: Array.from({ length: 8 }, (_, index) =>
    ruleFixture({
      route: `shop/route-${index}`,
      match: {
        path: { type: "prefix", value: "/api" },
        method: "GET",
        headers: [{ type: "exact", name: "x-version", value: `v${index}` }],
        queryParams: [{ type: "exact", name: "page", value: "2" }],
      },
    }),
  ),
});
const conditionalHead = headFixture("a.example.com", "/api/orders?sort=up&page=2", [...FIELDS, "x-version", "v7"]);
bench("match, 8 routes told apart by a header and a query parameter, head seen first", () => {
  conditionalHead.memo = null;
  return do_not_optimize(conditional.match(conditionalHead));
});

const tenants = compileRouteTable({
  name: "bench",
  rules: Array.from({ length: 10_000 }, (_, index) =>
    ruleFixture({
      route: `shop/tenant-${index}`,
      match: {
        path: { type: "prefix", value: "/api" },
        method: "",
        headers: [{ type: "exact", name: "x-tenant", value: `tenant-${index}` }],
        queryParams: [],
      },
    }),
  ),
});
const tenantHead = headFixture("a.example.com", "/api/orders", [...FIELDS, "x-tenant", "tenant-9000"]);
bench("match, 10000 routes told apart by a header, head seen first", () => {
  tenantHead.memo = null;
  return do_not_optimize(tenants.match(tenantHead));
});

await run();
