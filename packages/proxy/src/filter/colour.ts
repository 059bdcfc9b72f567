import { fieldValue, type RequestHead } from "@weft/contract";
import { COLOUR_FIELD } from "./edge-fields.ts";

/**
 * `head` without the colour that its client gave it, before any route sees it: a colour decides where requests go, and
 * whether they count as real. The same head where there is none, and for RPC calls, whose frames stay as they came.
 */
export function withoutColour(head: RequestHead): RequestHead {
  if (head.frame !== null || fieldValue(head.fields, COLOUR_FIELD) === undefined) return head;
  const kept: string[] = [];
  for (let index = 0; index < head.fields.length; index += 2) {
    const name = head.fields[index] ?? "";
    if (name !== COLOUR_FIELD) kept.push(name, head.fields[index + 1] ?? "");
  }
  return head.withFields(kept);
}
