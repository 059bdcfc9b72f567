import assert from "node:assert/strict";
import { test } from "node:test";
import { SUGGESTION_CHARS_MAX } from "../limits.ts";
import { suggest } from "./suggest.ts";

test("suggest() finds what was meant and stays silent where nothing is near", () => {
  const fields = ["port", "protocol", "hostname", "backendRefs"];
  assert.equal(suggest("prot", fields), "port");
  assert.equal(suggest("hostnam", fields), "hostname");
  assert.equal(suggest("backendrefs", fields), "backendRefs");
  assert.equal(suggest("backendRef", fields), "backendRefs");
  assert.equal(suggest("weight", fields), undefined);
  assert.equal(suggest("x", fields), undefined);
  assert.equal(suggest("", fields), undefined);
});

test("suggest() does not compare texts above its limit", () => {
  const long = "a".repeat(SUGGESTION_CHARS_MAX + 1);
  assert.equal(suggest(long, [long]), undefined);
  assert.equal(suggest(long.slice(1), [long.slice(1)]), long.slice(1));
});
