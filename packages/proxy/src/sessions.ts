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
} from "@weft/contract";
import type { Clock, Transport } from "@weft/kernel";
import type { ServerSessionFactory } from "./downstream/index.ts";
import type { ClientSessionFactory } from "./upstream/index.ts";

/** Makes the server engines of a worker; options are made once per listener configuration and shared. */
export class ServerSessions implements ServerSessionFactory {
  readonly #clock: Clock;
  readonly #memo: HeadMemo;
  readonly #http1: WeakMap<ListenerConfig, Http1ServerOptions> = new WeakMap();
  readonly #http2: WeakMap<ListenerConfig, Http2ServerOptions> = new WeakMap();

  constructor(clock: Clock, memo: HeadMemo) {
    this.#clock = clock;
    this.#memo = memo;
  }

  createHttp1(transport: Transport, handler: ServerSessionHandler, config: ListenerConfig): ServerSession {
    let options = this.#http1.get(config);
    if (options === undefined) {
      // Bodies are measured where their routes are known, and with them the CORS policy of the refusal.
      const { headerBytesMax, targetBytesMax, underscores } = config;
      options = createHttp1ServerOptions({ memo: this.#memo, headerBytesMax, targetBytesMax, underscores });
      this.#http1.set(config, options);
    }
    return new Http1ServerSession(transport.output, handler, options);
  }

  createHttp2(transport: Transport, handler: ServerSessionHandler, config: ListenerConfig): ServerSession {
    let options = this.#http2.get(config);
    if (options === undefined) {
      const { headerBytesMax, targetBytesMax, http2StreamsMax, underscores } = config;
      options = createHttp2ServerOptions({
        headerBytesMax,
        targetBytesMax,
        underscores,
        streamsMax: http2StreamsMax,
        nowMs: () => this.#clock.nowMs(),
      });
      this.#http2.set(config, options);
    }
    return new Http2ServerSession(transport.output, handler, options);
  }
}

/** Makes the client engines of a worker. */
export class ClientSessions implements ClientSessionFactory {
  readonly #clock: Clock;
  readonly #http1: Http1ClientOptions;
  readonly #http2: WeakMap<PoolConfig, Http2ClientOptions> = new WeakMap();

  constructor(clock: Clock, memo: HeadMemo) {
    this.#clock = clock;
    this.#http1 = createHttp1ClientOptions({ memo });
  }

  createHttp1(transport: Transport, handler: ClientSessionHandler): ClientSession {
    return new Http1ClientSession(transport.output, handler, this.#http1);
  }

  createHttp2(transport: Transport, handler: ClientSessionHandler, pool: PoolConfig): ClientSession {
    let options = this.#http2.get(pool);
    if (options === undefined) {
      options = createHttp2ClientOptions({ streamsMax: pool.http2StreamsMax, nowMs: () => this.#clock.nowMs() });
      this.#http2.set(pool, options);
    }
    return new Http2ClientSession(transport.output, handler, options);
  }
}
