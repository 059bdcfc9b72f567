import assert from "node:assert/strict";
import { test } from "node:test";
import { conclude, type Finding } from "./check-result.ts";
import { FINDINGS_SHOWN_MAX } from "./limits.ts";

const finding = (verdict: Finding["verdict"], detail: string): Finding => ({
  verdict,
  detail,
  action: `mend ${verdict}`,
});

test("conclude() is as bad as the worst finding, which comes first, and says what to do once", () => {
  assert.deepEqual(conclude("ports", [], "3 free"), { name: "ports", verdict: "ok", detail: "3 free", action: "" });
  const findings = [finding("warning", "a"), finding("failed", "b"), finding("failed", "c")];
  assert.deepEqual(conclude("ports", findings, ""), {
    name: "ports",
    verdict: "failed",
    detail: "b; c; a",
    action: "mend failed; mend warning",
  });
});

test("conclude() names a bounded number of findings", () => {
  const many = Array.from({ length: FINDINGS_SHOWN_MAX + 2 }, (_, index) => finding("warning", String(index)));
  assert.match(conclude("ports", many, "").detail, /; 4; and 2 more$/);
});
