import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleFixture } from "./route-rule.fixture.ts";
import { renderMatch, renderRule, ruleLabel } from "./rule-text.ts";

test("renderRule() and renderMatch() name a rule as messages about files do", () => {
  const rule = ruleFixture({ route: "shop/cart", rule: 5, matchIndex: 1 });
  assert.equal(renderRule(rule), "shop/cart rules[5]");
  assert.equal(
    renderMatch({ ...rule, ruleName: 'the "old" one' }),
    'shop/cart rules[5] "the \\"old\\" one" matches[1]',
  );
});

test("ruleLabel() is the rule's name, else its place", () => {
  assert.equal(ruleLabel({ rule: 5, ruleName: "" }), "rules[5]");
  assert.equal(ruleLabel({ rule: 5, ruleName: "checkout" }), "checkout");
});
