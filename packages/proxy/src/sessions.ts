import {
  type BoltServerOptions,
  BoltClientSession,
  BoltServerSession,
  createBoltClientOptions,
  createBoltServerOptions,
  type BoltClientOptions,
  type RpcCounts,
} from "@weft/codec/bolt";
import {
  createDubboClientOptions,
  createDubboServerOptions,
  type DubboClientOptions,
  DubboClientSession,
  type DubboServerOptions,
  DubboServerSession,
} from "@weft/codec/dubbo";
import {
  createHttp1ClientOptions,
  createHttp1ServerOptions,
  type HeadMemo,
  type Http1ClientOptions,
  Http1ClientSession,
  type Http1ServerOptions,
  Http1ServerSession,
} from "@weft/codec/http1";
import {
  createHttp2ClientOptions,
  createHttp2ServerOptions,
  type Http2ClientOptions,
  Http2ClientSession,
  type Http2ServerOptions,
  Http2ServerSession,
} from "@weft/codec/http2";
import type {
  ClientSession,
  ClientSessionHandler,
  ListenerConfig,
  PoolConfig,
  ServerSession,
  ServerSessionHandler,
  SessionProtocol,
} from "@weft/contract";
import type { Clock, Transport } from "@weft/kernel";
import type { ServerSessionFactory } from "./downstream/index.ts";
import type { ClusterStats, ListenerStats } from "./metrics/index.ts";
import type { ClientSessionFactory } from "./upstream/index.ts";

/** Options of the server engines of one listener, each made when its protocol is first spoken there. */
interface ServerOptions {
  readonly counts: RpcCounts;
  http1: Http1ServerOptions | null;
  http2: Http2ServerOptions | null;
  bolt: BoltServerOptions | null;
  dubbo: DubboServerOptions | null;
}

/** Makes the server engines of a worker; options are made once per listener configuration and shared. */
export class ServerSessions implements ServerSessionFactory {
  readonly #clock: Clock;
  readonly #memo: HeadMemo;
  readonly #options: WeakMap<ListenerConfig, ServerOptions> = new WeakMap();

  constructor(clock: Clock, memo: HeadMemo) {
    this.#clock = clock;
    this.#memo = memo;
  }

  create(
    protocol: SessionProtocol,
    { output }: Transport,
    handler: ServerSessionHandler,
    config: ListenerConfig,
    stats: ListenerStats,
  ): ServerSession {
    let options = this.#options.get(config);
    // The same configuration may come back after its counts were forgotten.
    if (options === undefined || options.counts.frames !== stats.rpcFrames) {
      const counts = { frames: stats.rpcFrames, faults: stats.rpcFaults };
      options = { counts, http1: null, http2: null, bolt: null, dubbo: null };
      this.#options.set(config, options);
    }
    const { counts } = options;
    const memo = this.#memo;
    switch (protocol) {
      case "http1":
        return new Http1ServerSession(output, handler, (options.http1 ??= this.#http1Options(config)));
      case "http2":
        return new Http2ServerSession(output, handler, (options.http2 ??= this.#http2Options(config)));
      case "bolt":
        options.bolt ??= createBoltServerOptions({ memo, counts, ...rpcLimits(config) });
        return new BoltServerSession(output, handler, options.bolt);
      case "dubbo":
        options.dubbo ??= createDubboServerOptions({ memo, counts, ...rpcLimits(config) });
        return new DubboServerSession(output, handler, options.dubbo);
    }
  }

  /** Bodies are measured where their routes are known, and with them the CORS policy of the refusal. */
  #http1Options({ headerBytesMax, targetBytesMax, underscores }: ListenerConfig): Http1ServerOptions {
    return createHttp1ServerOptions({ memo: this.#memo, headerBytesMax, targetBytesMax, underscores });
  }

  #http2Options({ headerBytesMax, targetBytesMax, http2StreamsMax, underscores }: ListenerConfig): Http2ServerOptions {
    const nowMs = (): number => this.#clock.nowMs();
    return createHttp2ServerOptions({
      headerBytesMax,
      targetBytesMax,
      underscores,
      streamsMax: http2StreamsMax,
      nowMs,
    });
  }
}

function rpcLimits(config: ListenerConfig): { readonly frameBytesMax: number; readonly streamsMax: number } {
  return { frameBytesMax: config.rpcFrameBytesMax, streamsMax: config.rpcStreamsMax };
}

/** Options of the client engines of one cluster. */
interface ClientOptions {
  readonly counts: RpcCounts;
  http2: Http2ClientOptions | null;
  bolt: BoltClientOptions | null;
  dubbo: DubboClientOptions | null;
}

/** Makes the client engines of a worker. */
export class ClientSessions implements ClientSessionFactory {
  readonly #clock: Clock;
  readonly #memo: HeadMemo;
  readonly #http1: Http1ClientOptions;
  /** By the cluster's counts first: clusters may have one pool configuration between them. */
  readonly #options: WeakMap<ClusterStats, WeakMap<PoolConfig, ClientOptions>> = new WeakMap();

  constructor(clock: Clock, memo: HeadMemo) {
    this.#clock = clock;
    this.#memo = memo;
    this.#http1 = createHttp1ClientOptions({ memo });
  }

  create(
    protocol: SessionProtocol,
    { output }: Transport,
    handler: ClientSessionHandler,
    pool: PoolConfig,
    stats: ClusterStats,
  ): ClientSession {
    if (protocol === "http1") return new Http1ClientSession(output, handler, this.#http1);
    const options = this.#optionsOf(stats, pool);
    const { counts } = options;
    const memo = this.#memo;
    switch (protocol) {
      case "http2":
        return new Http2ClientSession(output, handler, (options.http2 ??= this.#http2Options(pool)));
      case "bolt":
        options.bolt ??= createBoltClientOptions({ memo, counts, streamsMax: callsMax(pool) });
        return new BoltClientSession(output, handler, options.bolt);
      case "dubbo":
        options.dubbo ??= createDubboClientOptions({ counts, streamsMax: callsMax(pool) });
        return new DubboClientSession(output, handler, options.dubbo);
    }
  }

  #optionsOf(stats: ClusterStats, pool: PoolConfig): ClientOptions {
    let byPool = this.#options.get(stats);
    if (byPool === undefined) this.#options.set(stats, (byPool = new WeakMap()));
    let options = byPool.get(pool);
    if (options === undefined) {
      const counts = { frames: stats.rpcFrames, faults: stats.rpcFaults };
      options = { counts, http2: null, bolt: null, dubbo: null };
      byPool.set(pool, options);
    }
    return options;
  }

  #http2Options({ http2StreamsMax }: PoolConfig): Http2ClientOptions {
    return createHttp2ClientOptions({ streamsMax: http2StreamsMax, nowMs: () => this.#clock.nowMs() });
  }
}

/** Calls at a time on one connection. */
function callsMax({ rpcSharing, rpcStreamsMax }: PoolConfig): number {
  return rpcSharing === "ping-pong" ? 1 : rpcStreamsMax;
}
