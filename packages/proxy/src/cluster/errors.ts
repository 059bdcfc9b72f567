/** The codes of clusters, an `ErrorCatalog`; docs/ERRORS.md has these words. */
export const CLUSTER_ERRORS = {
  CLUSTER_INVALID_CONFIG: {
    meaning: "A cluster was given a configuration that it cannot use; it goes on with the one before.",
    action: "Correct the value that the message names.",
  },
  CLUSTER_DUPLICATE_NAME: {
    meaning: "Two clusters of one configuration have the same name; none of it was applied.",
    action: "Rename one of them.",
  },
  CLUSTER_DUPLICATE_HOST: {
    meaning: "Two hosts of one cluster have the same address and port; the configuration was not applied.",
    action: "Remove one of them; to give it more traffic, raise its weight.",
  },
  CLUSTER_NO_HOST: {
    meaning: "No host of the cluster may be used: it has none, or all are unhealthy, ejected or draining.",
    action: "See the cluster's hosts on the admin page; each says why it is not used.",
  },
  CLUSTER_REQUESTS_FULL: {
    meaning: "The circuit breaker refused a request: as many as `requestsMax` are in flight to the cluster.",
    action: "Find out why the cluster is slow, add hosts, or raise the limit.",
  },
  CLUSTER_PENDING_FULL: {
    meaning: "The circuit breaker refused a request: as many as `pendingMax` wait for a connection already.",
    action: "Find out why connections are slow to open, or raise the limit.",
  },
  CLUSTER_CONNECTIONS_FULL: {
    meaning:
      "The circuit breaker refused a connection: as many as `connectionsMax` are open to the cluster, and none of them will come free for others (TCP tunnels, connections that are bound to a client).",
    action: "Raise the limit, or let requests share connections (HTTP/2).",
  },
  CLUSTER_RETRIES_FULL: {
    meaning: "The circuit breaker refused a retry: as many as `retriesMax` are in flight to the cluster.",
    action: "Find out why requests fail; more retries would make it worse.",
  },
  CLUSTER_RETRY_BUDGET_SPENT: {
    meaning: "The circuit breaker refused a retry: retries exceed their share of the requests in flight.",
    action: "Find out why requests fail; more retries would make it worse.",
  },
} as const;

/** Every code of `CLUSTER_ERRORS`. */
export type ClusterErrorCode = keyof typeof CLUSTER_ERRORS;
