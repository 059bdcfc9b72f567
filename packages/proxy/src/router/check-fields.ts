import { FRAMING_FIELDS, type HeaderChange } from "@weft/contract";
import type { Check } from "./check.ts";
import { HEADER_CHANGE_FIELDS_MAX, RULE_TEXT_BYTES_MAX } from "./limits.ts";

/** A field that a rule may write or take away: a lower-case token that does not frame the message. */
export function checkFieldName(field: string, name: string, check: Check): void {
  check.lowerToken(field, name);
  if (FRAMING_FIELDS.has(name)) {
    const hint = name === "host" ? " (rewrite.hostname changes the host)" : "";
    check.fail(field, name, `a field that does not frame the message or belong to the connection${hint}`);
  }
}

/** A field value as RFC 9110 section 5.5 has it. */
export function checkFieldValue(field: string, value: string, check: Check): void {
  check.text(field, value, 0, RULE_TEXT_BYTES_MAX);
  if (/^[ \t]|[ \t]$/.test(value)) check.fail(field, value, "a value without white space around it");
}

export function checkFieldChange(field: string, change: HeaderChange | null, check: Check): void {
  if (change === null) return;
  const count = change.set.length + change.add.length + change.remove.length;
  if (count > HEADER_CHANGE_FIELDS_MAX) check.fail(field, count, `at most ${HEADER_CHANGE_FIELDS_MAX} fields`);
  for (const [name, value] of [...change.set, ...change.add]) {
    checkFieldName(`${field}.name`, name, check);
    checkFieldValue(`${field}.value`, value, check);
  }
  for (const name of change.remove) checkFieldName(`${field}.remove`, name, check);
}
