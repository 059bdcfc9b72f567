import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { KINDS } from "./kinds.ts";

/** Every field name below a schema. */
function fieldsOf(schema: unknown, into: Set<string>): Set<string> {
  if (schema instanceof z.ZodObject) {
    for (const [name, child] of Object.entries(schema.shape)) {
      into.add(name);
      fieldsOf(child, into);
    }
  } else if (schema instanceof z.ZodExactOptional) fieldsOf(schema.unwrap(), into);
  else if (schema instanceof z.ZodArray) fieldsOf(schema.element, into);
  else if (schema instanceof z.ZodUnion) for (const option of schema.options) fieldsOf(option, into);
  return into;
}

test("KINDS are all in docs/resources.md, with every field and version", () => {
  const reference = readFileSync(join(import.meta.dirname, "../../../../docs/resources.md"), "utf8").replaceAll(
    /^```[^]*?^```/gm,
    "",
  );
  // `spec.rules[].name` names all of its parts.
  const words = new Set((reference.match(/`[^`]+`/g) ?? []).flatMap((code) => code.match(/[A-Za-z0-9]+/g) ?? []));
  let count = 0;
  for (const [kind, { apiVersions, schema }] of KINDS) {
    assert.match(reference, new RegExp(`^#+ .*${kind}`, "m"), kind);
    for (const version of apiVersions) assert.ok(words.has(version.split("/").at(-1) ?? ""), version);
    for (const field of fieldsOf(schema, new Set())) {
      assert.ok(words.has(field), `${kind}: ${field}`);
      count++;
    }
  }
  assert.ok(count > 300, `${count} fields`);
});
