import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  makeGenericClientConstructor,
  type MethodDefinition,
} from "@grpc/grpc-js";
import { decodeMessage, encodeMessage, type MessageShape } from "./protobuf.ts";

/**
 * The contract of the payment service. As a .proto file, for other tools:
 *
 *     syntax = "proto3";
 *     package shop.payment.v1;
 *     service Payment {
 *       rpc Charge(ChargeRequest) returns (ChargeReply);
 *       rpc Watch(WatchRequest) returns (stream PaymentEvent);
 *       rpc Settle(stream ChargeRequest) returns (stream ChargeReply);
 *     }
 *     message ChargeRequest { string order = 1; uint32 cents = 2; }
 *     message ChargeReply { string order = 1; string receipt = 2; string instance = 3; }
 *     message WatchRequest { uint32 events = 1; }
 *     message PaymentEvent { uint32 sequence = 1; string state = 2; string instance = 3; }
 */
export const PAYMENT_SERVICE_NAME = "shop.payment.v1.Payment";

/** Asks for money; `order` makes it idempotent. */
export const CHARGE_REQUEST = { order: "", cents: 0 };
export type ChargeRequest = typeof CHARGE_REQUEST;

/** What was charged, and which instance did it. */
export const CHARGE_REPLY = { order: "", receipt: "", instance: "" };
export type ChargeReply = typeof CHARGE_REPLY;

/** Asks for so many events. */
export const WATCH_REQUEST = { events: 0 };
export type WatchRequest = typeof WATCH_REQUEST;

/** One thing that happened at an instance. */
export const PAYMENT_EVENT = { sequence: 0, state: "", instance: "" };
export type PaymentEvent = typeof PAYMENT_EVENT;

/** grpc.health.v1: 1 is SERVING. */
const HEALTH_REQUEST = { service: "" };
const HEALTH_REPLY = { status: 0 };
export type HealthRequest = typeof HEALTH_REQUEST;
export type HealthReply = typeof HEALTH_REPLY;

function method<Request extends MessageShape, Reply extends MessageShape>(
  path: string,
  request: Request,
  reply: Reply,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Request, Reply> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => encodeMessage(request, message),
    requestDeserialize: (bytes) => decodeMessage(request, bytes),
    responseSerialize: (message) => encodeMessage(reply, message),
    responseDeserialize: (bytes) => decodeMessage(reply, bytes),
  };
}

/** The three kinds of call that the demo shows. */
export const PAYMENT_SERVICE: {
  readonly Charge: MethodDefinition<ChargeRequest, ChargeReply>;
  readonly Watch: MethodDefinition<WatchRequest, PaymentEvent>;
  readonly Settle: MethodDefinition<ChargeRequest, ChargeReply>;
} = {
  Charge: method(`/${PAYMENT_SERVICE_NAME}/Charge`, CHARGE_REQUEST, CHARGE_REPLY, false, false),
  Watch: method(`/${PAYMENT_SERVICE_NAME}/Watch`, WATCH_REQUEST, PAYMENT_EVENT, false, true),
  Settle: method(`/${PAYMENT_SERVICE_NAME}/Settle`, CHARGE_REQUEST, CHARGE_REPLY, true, true),
};

/** The standard health protocol of gRPC. */
export const HEALTH_SERVICE: { readonly Check: MethodDefinition<HealthRequest, HealthReply> } = {
  Check: method("/grpc.health.v1.Health/Check", HEALTH_REQUEST, HEALTH_REPLY, false, false),
};

/** A client without generated methods: calls go through `makeUnaryRequest` and its like. */
export function createPaymentClient(target: string, credentials: ChannelCredentials, options: ChannelOptions): Client {
  const PaymentClient = makeGenericClientConstructor({}, PAYMENT_SERVICE_NAME);
  return new PaymentClient(target, credentials, options);
}

/**
 * Charges, once per order however often it is asked for; rejects with the gRPC error. A proxy may send a call again as long
 * as no answer has begun; when an instance dies in mid-answer only the caller can, and the order makes that harmless.
 */
export async function charge(client: Client, request: ChargeRequest, deadlineMs: number): Promise<ChargeReply> {
  const deadline = Date.now() + deadlineMs;
  try {
    return await callCharge(client, request, deadline);
  } catch (error) {
    if (error instanceof CutShort) return await callCharge(client, request, deadline);
    throw error;
  }
}

/** The answer had begun when the call failed. */
class CutShort extends Error {}

function callCharge(client: Client, request: ChargeRequest, deadline: number): Promise<ChargeReply> {
  const { path, requestSerialize, responseDeserialize } = PAYMENT_SERVICE.Charge;
  return new Promise((resolve, reject) => {
    let hasBegun = false;
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
      (error, reply) => {
        if (error !== null) reject(hasBegun ? new CutShort(error.message, { cause: error }) : error);
        else if (reply === undefined) reject(new Error("the answer has no message"));
        else resolve(reply);
      },
    );
    call.on("metadata", () => {
      hasBegun = true;
    });
  });
}
