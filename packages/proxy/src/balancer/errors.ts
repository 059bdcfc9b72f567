/** The codes of balancers, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const BALANCER_ERRORS = {
  BALANCER_TABLE_NOT_PRIME: {
    meaning: "A Maglev table's size is not a prime, so hosts could not reach all of its entries.",
    action: "Use a prime well above the number of hosts, such as 65537.",
  },
} as const;

/** Every code of `BALANCER_ERRORS`. */
export type BalancerErrorCode = keyof typeof BALANCER_ERRORS;
