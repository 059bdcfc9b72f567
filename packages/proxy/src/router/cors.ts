import { type Cors, type Fields, fieldValue, type RequestHead, ResponseHead } from "@weft/contract";
import { type FieldChange, wireText } from "./field-change.ts";
import { ORIGIN_BYTES_MAX } from "./limits.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** Fields of an answer that the policy speaks for; what the backend says in them does not count. */
const RESPONSE_FIELDS: readonly string[] = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
];

const TOKENS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z, ]{1,1024}$/;

/** A CORS policy with the answers that do not depend on the request made in advance. */
export interface CompiledCors {
  /** Any origin, without credentials: answers are the same for everybody. */
  readonly isPublic: boolean;
  readonly allowsAny: boolean;
  readonly allowsCredentials: boolean;
  /** What is said to each origin that is listed without wildcard. */
  readonly exact: ReadonlyMap<string, FieldChange>;
  readonly wildcards: readonly Pattern[];
  /** Said to origins that are not allowed, to requests without one, and to all where the policy is public. */
  readonly general: FieldChange;
  /** "*" where the policy lists it. */
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
}

/** Compiles a policy that `checkTable` has accepted. */
export function compileCors(cors: Cors): CompiledCors {
  const allowsAny = cors.allowOrigins.includes("*");
  const isPublic = allowsAny && !cors.allowCredentials;
  const exposed = wireText(cors.exposeHeaders.join(", "));
  // With credentials "*" would be the name of a header (Fetch section 3.2.3), so it says nothing.
  const exposeHeaders = cors.allowCredentials && exposed === "*" ? "" : exposed;
  const exact = new Map<string, FieldChange>();
  const wildcards: Pattern[] = [];
  for (const configured of cors.allowOrigins) {
    const origin = withoutDefaultPort(configured.toLowerCase());
    if (origin === "*") continue;
    if (origin.includes("*")) wildcards.push(compilePattern(wildcardPattern(origin)));
    else exact.set(origin, originChange(origin, cors.allowCredentials, exposeHeaders));
  }
  return {
    isPublic,
    allowsAny,
    allowsCredentials: cors.allowCredentials,
    exact,
    wildcards,
    general: isPublic
      ? {
          dropped: RESPONSE_FIELDS,
          appended: ["access-control-allow-origin", "*", ...exposeFields(exposeHeaders)],
        }
      : { dropped: RESPONSE_FIELDS, appended: ["vary", "Origin"] },
    allowMethods: cors.allowMethods.includes("*") ? "*" : wireText(cors.allowMethods.join(", ")),
    allowHeaders: cors.allowHeaders.includes("*") ? "*" : wireText(cors.allowHeaders.join(", ")),
    exposeHeaders,
    maxAge: String(cors.maxAgeSeconds),
  };
}

/** Browsers leave out the port that a scheme implies. */
function withoutDefaultPort(origin: string): string {
  return origin.replace(/^(http:.*):80$|^(https:.*):443$/, "$1$2");
}

/** `*` stands for one or more characters of a host name, dots among them, but never for a port. */
function wildcardPattern(origin: string): string {
  return origin.replace(/[^A-Za-z0-9*]/g, "\\$&").replaceAll("*", "[a-z0-9._-]+");
}

function exposeFields(exposeHeaders: string): Fields {
  return exposeHeaders === "" ? [] : ["access-control-expose-headers", exposeHeaders];
}

function originChange(origin: string, allowsCredentials: boolean, exposeHeaders: string): FieldChange {
  const credentials = allowsCredentials ? ["access-control-allow-credentials", "true"] : [];
  return {
    dropped: RESPONSE_FIELDS,
    appended: ["access-control-allow-origin", origin, ...credentials, ...exposeFields(exposeHeaders), "vary", "Origin"],
  };
}

function isAllowed(cors: CompiledCors, origin: string): boolean {
  if (origin.length > ORIGIN_BYTES_MAX) return false;
  return cors.allowsAny || cors.exact.has(origin) || cors.wildcards.some((pattern) => pattern.matches(origin));
}

/**
 * What the policy changes in the answer to a request with this `Origin` (undefined for none): the backend's own
 * Access-Control fields give way to the policy's. An origin that is not allowed gets none, and its browser keeps the
 * answer from the page. `Vary: Origin` wherever the answer depends on the origin, so that caches do not mix them up.
 */
export function corsChange(cors: CompiledCors, origin: string | undefined): FieldChange {
  if (cors.isPublic || origin === undefined) return cors.general;
  const known = cors.exact.get(origin);
  if (known !== undefined) return known;
  if (!isAllowed(cors, origin)) return cors.general;
  return originChange(origin, cors.allowsCredentials, cors.exposeHeaders);
}

/** The method for which `head` asks leave, if it is a CORS preflight. */
export function preflightMethod(head: RequestHead): string | undefined {
  if (head.method !== "OPTIONS" || fieldValue(head.fields, "origin") === undefined) return undefined;
  return fieldValue(head.fields, "access-control-request-method");
}

/**
 * The answer to a CORS preflight (Fetch section 3.2.2: OPTIONS with Origin and Access-Control-Request-Method), or null
 * if the request is none and goes to the backend. A preflight of an origin that is not allowed is answered as well, 204
 * without any Access-Control field.
 *
 * With credentials "*" has no meaning to a browser: the origin, method and header names of the request are named then.
 */
export function corsPreflight(cors: CompiledCors, head: RequestHead): ResponseHead | null {
  const method = preflightMethod(head);
  const origin = fieldValue(head.fields, "origin");
  if (origin === undefined || method === undefined) return null;
  if (!cors.isPublic && !isAllowed(cors, origin)) return new ResponseHead(204, cors.general.appended, 0);
  const requested = fieldValue(head.fields, "access-control-request-headers");
  const fields: string[] = ["access-control-allow-origin", cors.isPublic ? "*" : origin];
  if (cors.allowsCredentials) fields.push("access-control-allow-credentials", "true");
  pushAllowed(fields, "access-control-allow-methods", cors.allowMethods, method, cors.allowsCredentials);
  pushAllowed(fields, "access-control-allow-headers", cors.allowHeaders, requested, cors.allowsCredentials);
  fields.push("access-control-max-age", cors.maxAge);
  if (!cors.isPublic) {
    fields.push("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  }
  return new ResponseHead(204, fields, 0);
}

function pushAllowed(
  fields: string[],
  name: string,
  allowed: string,
  requested: string | undefined,
  allowsCredentials: boolean,
): void {
  const value = allowed === "*" && allowsCredentials ? (requested ?? "") : allowed;
  if (value === "") return;
  // What comes from the request goes back only if it can be nothing but names.
  if (value === requested && !TOKENS.test(value)) return;
  fields.push(name, value);
}
