export { createBalancer } from "./create-balancer.ts";
export { isTried } from "./untried.ts";
