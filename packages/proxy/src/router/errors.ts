/** The codes of the router, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const ROUTER_ERRORS = {
  ROUTER_INVALID_TABLE: {
    meaning: "A route table was refused because one of its rules is not valid; the table in use stays.",
    action: "Correct the rule that the message names: it says which value was found and what was expected.",
  },
  ROUTER_NO_MATCH: {
    meaning:
      "No route matches the request's host, path, method, header fields and query parameters; it is answered 404.",
    action: "Ask `weft explain` which routes were looked at and why each was rejected.",
  },
  ROUTER_PATH_NOT_ABSOLUTE: {
    meaning: "The request's path does not begin with a slash; it is answered 400.",
    action: 'Send a path that begins with "/" (or "*" with OPTIONS).',
  },
  ROUTER_PATH_CONTROL_CHARACTER: {
    meaning:
      "The request's path or query holds a space, a control character or NUL, plain or encoded; it is answered 400.",
    action: "Encode spaces as %20; control characters have no place in a path.",
  },
  ROUTER_PATH_FRAGMENT: {
    meaning: "The request's path holds a fragment (#), which clients must keep to themselves; it is answered 400.",
    action: "Remove the fragment from the request target, or encode the character as %23.",
  },
  ROUTER_PATH_BAD_PERCENT: {
    meaning: "The request's path holds a percent sign that two hexadecimal digits do not follow; it is answered 400.",
    action: "Encode a percent sign as %25.",
  },
  ROUTER_PATH_BAD_UTF8: {
    meaning: "The request's path is not valid UTF-8 once decoded (an overlong form, for example); it is answered 400.",
    action: "Encode the path as UTF-8 before percent-encoding it.",
  },
  ROUTER_PATH_DOT_PARAMETER: {
    meaning:
      'The request\'s path holds a dot segment with a parameter ("..;x"), which servers read differently; it is answered 400.',
    action: "Remove the parameter, or send the path without dot segments.",
  },
} as const;

/** Every code of `ROUTER_ERRORS`. */
export type RouterErrorCode = keyof typeof ROUTER_ERRORS;

/** The codes with which a path is refused. */
export type PathErrorCode = Extract<RouterErrorCode, `ROUTER_PATH_${string}`>;
