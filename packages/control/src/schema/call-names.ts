import { regexFault, type Report } from "./fields.ts";

/** What a match says of the names in a call. */
interface CallNames {
  readonly type?: "Exact" | "RegularExpression";
  readonly service?: string;
  readonly method?: string;
}

/** How one name is written where it is compared as it is, and the end of the sentence that says so. */
interface NameForm {
  readonly pattern: RegExp;
  readonly expected: string;
}

/** Checks the names of a match: regular expressions that can be run, or names that a call can have. */
export function checkCallNames(
  { type = "Exact", ...names }: CallNames,
  forms: Readonly<Record<"service" | "method", NameForm>>,
  report: Report,
): void {
  for (const field of ["service", "method"] as const) {
    const name = names[field];
    if (name === undefined) continue;
    const { pattern, expected } = forms[field];
    const fault = type === "RegularExpression" ? regexFault(name) : pattern.test(name) ? undefined : expected;
    if (fault !== undefined) report([field], fault);
  }
}
