export type { BalancedHost, Balancer, PickContext } from "./balancer.ts";
export type {
  AutomaticShardSize,
  BalancerPolicy,
  BalancingConfig,
  CircuitBreakerConfig,
  ClusterConfig,
  HealthCheckConfig,
  HostConfig,
  HostSource,
  OutlierConfig,
  PoolConfig,
  RpcSharing,
  ShardAlgorithm,
  ShardingConfig,
  ShardSize,
  SubsetConfig,
  SubsetFallback,
  SubsetSelector,
  UpstreamProtocol,
  UpstreamTls,
} from "./cluster.ts";
export type { Feed, Subscription } from "./feed.ts";
export { RequestHead, ResponseHead } from "./head.ts";
export type { HeartbeatConfig } from "./heartbeat.ts";
export { fieldValue, fieldValues, FORBIDDEN_TRAILERS, NO_FIELDS } from "./fields.ts";
export type { Fields } from "./fields.ts";
export type {
  CertificateConfig,
  ListenerConfig,
  ListenerProtocol,
  ListenerTls,
  TcpRoute,
  TlsHost,
} from "./listener.ts";
export type { AccessLogRule, AccessLogSettings, ProxySettings, TracingSettings } from "./proxy-settings.ts";
export type { ReloadStatus } from "./reload-status.ts";
export { FALLBACK_CREATED_MS, FRAMING_FIELDS, PLAIN_RULE } from "./route.ts";
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
  RouteSubset,
  RouteTableConfig,
  TextMatch,
  UrlRewrite,
} from "./route.ts";
export { RPC_FIELDS } from "./rpc.ts";
export type { RpcFrame, RpcProtocol } from "./rpc.ts";
export type { Answer, Refusal } from "./refusal.ts";
export type {
  ClientSession,
  ClientSessionHandler,
  ServerSession,
  ServerSessionHandler,
  SessionProtocol,
} from "./session.ts";
export type { ClientStream, RequestReceiver, ResetReason, ResponseReceiver, ServerStream } from "./stream.ts";
export type { ClusterFeed, Feeds, ListenerFeed, RouteFeed, SettingsFeed, World } from "./world.ts";
export type { DurationText, ResourceBase, ResourceMetadata } from "./resources/metadata.ts";
export type {
  BackendObjectReference,
  BackendRef,
  LocalObjectReference,
  ObjectReference,
  ParentReference,
  PolicyTargetReference,
  SubsetChoice,
} from "./resources/references.ts";
export type {
  AllowedRoutes,
  FrontendValidation,
  GatewayFrontendTls,
  GatewayListener,
  GatewayListenerTls,
  GatewayResource,
  GatewaySpec,
  LabelSelector,
} from "./resources/gateway.ts";
export type {
  CorsFilter,
  HeaderModifier,
  HeaderModifierFilter,
  HttpBackendRef,
  HttpNamedMatch,
  HttpRouteFilter,
  HttpRouteMatch,
  HttpRouteResource,
  HttpRouteRetry,
  HttpRouteRule,
  HttpRouteSpec,
  HttpRouteTimeouts,
  PathModifier,
  RequestMirror,
  RequestRedirect,
  UrlRewriteFilter,
} from "./resources/http-route.ts";
export type {
  GrpcBackendRef,
  GrpcRouteFilter,
  GrpcRouteMatch,
  GrpcRouteResource,
  GrpcRouteRule,
  GrpcRouteSpec,
} from "./resources/grpc-route.ts";
export type {
  GatewayStreamVersion,
  StreamRouteRule,
  StreamRouteSpec,
  TcpRouteResource,
  TlsRouteResource,
  TlsRouteSpec,
} from "./resources/stream-route.ts";
export type {
  BackendTlsPolicyResource,
  BackendTlsPolicySpec,
  CertificateResource,
  CertificateSpec,
  ConfigMapResource,
  NamespaceResource,
  ReferenceGrantResource,
  ReferenceGrantSpec,
  SecretResource,
} from "./resources/trust.ts";
export type {
  RpcRouteMatch,
  RpcRouteResource,
  RpcRouteRetry,
  RpcRouteRule,
  RpcRouteSpec,
} from "./resources/rpc-route.ts";
export type {
  ServiceDns,
  ServiceHost,
  ServicePort,
  ServiceProtocol,
  ServiceResource,
  ServiceSpec,
} from "./resources/service.ts";
export type {
  PolicyBalancing,
  PolicyBreaker,
  PolicyConnections,
  PolicyHealthCheck,
  PolicyHeartbeat,
  PolicyOutlier,
  PolicyRetry,
  PolicySharding,
  PolicySubsets,
  PolicyTls,
  TrafficPolicyResource,
  TrafficPolicySpec,
} from "./resources/traffic-policy.ts";
export type {
  AccessLogRuleSpec,
  InboundConfig,
  InboundTls,
  ListenerSettings,
  OutboundConfig,
  ProxyConfigResource,
  ProxyConfigSpec,
} from "./resources/proxy-config.ts";
export type {
  ColourResource,
  ColourSpec,
  DirectResponseResource,
  DirectResponseSpec,
  FaultResource,
  FaultSpec,
} from "./resources/extension-filters.ts";
export type {
  Resource,
  ResourceCondition,
  ResourceKind,
  ResourceProblem,
  ResourceStatus,
} from "./resources/resource.ts";
