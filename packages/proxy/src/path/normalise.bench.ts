// Run: node -C source packages/proxy/src/path/normalise.bench.ts
import { bench, do_not_optimize, run } from "mitata";
import { normalisePath } from "./normalise.ts";

const plain = ["/api/v1/orders/1234567/items?page=2", "/", "/shop.Catalog/ListProducts"];
const rewritten = "/api//v1/./orders/%7e/../caf%c3%a9?page=2";
let turn = 0;

bench("normalisePath, nothing to change", () => do_not_optimize(normalisePath(plain[turn++ % 3] ?? "")));
bench("normalisePath, 41 characters to rewrite", () => do_not_optimize(normalisePath(rewritten)));

await run();
