export type { BalancedHost, Balancer, PickContext } from "./balancer.ts";
export type {
  BalancerPolicy,
  BalancingConfig,
  CircuitBreakerConfig,
  ClusterConfig,
  HealthCheckConfig,
  HostConfig,
  HostSource,
  OutlierConfig,
  PoolConfig,
  UpstreamProtocol,
  UpstreamTls,
} from "./cluster.ts";
export type { Feed, Subscription } from "./feed.ts";
export { fieldValue, fieldValues, NO_FIELDS, RequestHead, ResponseHead } from "./head.ts";
export type { Fields } from "./head.ts";
export type { CertificateConfig, ListenerConfig, ListenerProtocol, ListenerTls, TcpRoute } from "./listener.ts";
export type { AccessLogRule, AccessLogSettings, ProxySettings, TracingSettings } from "./proxy-settings.ts";
export type {
  Colour,
  Cors,
  DirectResponse,
  Fault,
  HashKey,
  HeaderChange,
  Mirror,
  NamedMatch,
  PathMatch,
  PathRewrite,
  Redirect,
  Retry,
  RetryCondition,
  RouteBackend,
  RouteMatch,
  RouteRule,
  RouteTableConfig,
  TextMatch,
  UrlRewrite,
} from "./route.ts";
export type { ClientSession, ClientSessionHandler, ServerSession, ServerSessionHandler } from "./session.ts";
export type { ClientStream, RequestReceiver, ResetReason, ResponseReceiver, ServerStream } from "./stream.ts";
export type { ClusterFeed, Feeds, ListenerFeed, RouteFeed, SettingsFeed, World } from "./world.ts";
