import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMetrics, sumOf } from "./metric-text.ts";

const TEXT = `# TYPE weft_pool_connections_active gauge
weft_pool_connections_active{cluster="default/quiet:80",protocol="bolt"} 12
weft_pool_connections_active{cluster="default/cut:80",protocol="bolt"} 3
weft_pool_connections_active_more{cluster="default/cut:80"} 100
weft_process_resident_memory_bytes 1.5e+08
odd{text="a \\"b\\", {c}"} 2 # {trace_id="1"} 1
# EOF
`;

test("sumOf() adds up the samples of a name that have the labels", () => {
  const samples = parseMetrics(TEXT);
  assert.equal(sumOf(samples, "weft_pool_connections_active"), 15);
  assert.equal(sumOf(samples, "weft_pool_connections_active", { cluster: "default/cut:80", protocol: "bolt" }), 3);
  assert.equal(sumOf(samples, "weft_pool_connections_active", { cluster: "default/other:80" }), 0);
  assert.equal(sumOf(samples, "weft_process_resident_memory_bytes"), 150_000_000);
  assert.equal(samples.find(({ name }) => name === "odd")?.labels["text"], 'a \\"b\\", {c}');
});
