// Bytes that other implementations wrote, recorded on loopback between them and a session of ours or node:http2.
import { gunzipSync } from "node:zlib";

function unpack(text: string): Buffer {
  return gunzipSync(Buffer.from(text, "base64"));
}

/** nghttp 1.52 with a body, a trailer, padding and two requests in one connection. */
export const NGHTTP_BYTES: Buffer = unpack(
  [
    "H4sIAAAAAAACAwsI8lTQUvAICQnQN9Iz4OXi5Qr2BZEMDDwsDGDAzMDAkMLAwsDw/z8DAysTTIjhBIzHygBWAeWxQ3RBeZxQEQiPG6rXm1GFgY",
    "GBFyTC0szSmnTrhcWTNscujrkx3I0Fdyr4mYOZtfS1JlR1rcq8NOvIgfAc72Z+3uYUBnaHtk+bvANe+bes+KZW79Dq22zKurnl0ybd5QwMUmAz",
    "+WFmJrIqvprcdujghAMQnfv3MXDvADuMt3QUjIJRMApGwSgYBaNgFIyCUTDoAQMDByOor8HrAG7yM5rDWvT8o2EzCkbBKBgFo2AUjIJRMApGwV",
    "Bo0TOCW/T8+xgYGFgYIRMHHLAZBAgAAIuPjaqhGAAA",
  ].join(""),
);

/** h2load 1.52, six requests on one connection. */
export const H2LOAD_BYTES: Buffer = unpack(
  [
    "H4sIAAAAAAACAwsI8lTQUvAICQnQN9Iz4OXi5Qr2BZEMDDwsDGDABCZZ7P///w+iGSGiLBxgyh4kxqDKyMrAwMDI0pLU3Off5tjFMTeGu7HgTg",
    "U/c1NV/5wQmSLNkMtLTTsb1t2Yzs7AwAVWzQxVvb9pH0yIFVOIHVOIE1OIG1mIg50BGQAAD5ctNuEAAAA=",
  ].join(""),
);

/** curl 7.88 (libnghttp2 1.52): a form with a cookie. */
export const CURL_BYTES: Buffer = unpack(
  [
    "H4sIAAAAAAACAwsI8lTQUvAICQnQN9Iz4OXi5Qr2BZEMDEIsDGDAzMDAkMLAwgRiM0GEWDjAFON/BkYGBh9GkELGZpaWpOCb/m2OXRxzY7gbC+",
    "5U8DNXdahuCzi8es+nh8HMWvpa8oJtMoy/gyxY+XmbUxjY42fIll5I4lWz9amMPt7P7VWtGXVbQ9fFpnUyyApGsBXcO0BWMDCWjoJRMApGwSgY",
    "BaNgFIyCUTAKBj0AAO1U6gxfDAAA",
  ].join(""),
);

/** What nghttpx 1.52 answers to the requests of `goldenRequests`. */
export const NGHTTPX_BYTES: Buffer = unpack(
  [
    "H4sIAAAAAAACA+3cvS7DURgH4PdoqyXxMYlFdDJIhEVM4j8TIXEFEvWR0JY0MRqUdLG6BWYuoFwJVqPBWvFHImJmeZ7h5Hyf5N3O8osYL0auEB",
    "FbUYzo9WIgIlJU8jaimD52VPrzznFtu9Xcq+9EzKX3s4Wlp8nO5uXDYnc5pmsTy5W+w6zvMTVjY+yil52/3KysP6+1r1+nTkaG2qMx1ovs88Xd",
    "2v5+o7p91DiozraOG1UAAAAAAAAAAAAAAAAAAADg78XwbB4wUFAKAAAAfvs3xnCePFfudLOz1dP50m375WbmKuIjyq7c3DxqRVRS6X2Q5WtpIa",
    "KQT5Q693cRg/kFqXN/9yOULn0PpWvUa6oNAAAAAAAAAAAAAAAAAAAA/+ArlC4pBQAAAL94A/wwl4ZKnQAA",
  ].join(""),
);

/** What Caddy 2.6 (Go net/http) answers to the same requests. */
export const CADDY_BYTES: Buffer = unpack(
  [
    "H4sIAAAAAAACA+3dMWtTURQA4HOb99JsZrHgYM0gDkKJi4iDmtWKWCiIiCAdUhXaJpZoBwUHowShHRQEf4AojnWVpi3+D3UTx4IOOlTeiwH/Qs",
    "v3Lffdcy+XyxkP9/AiprMo5VGPiEpE/I5q1FMrUhShrIxHZGm0L6uNxiPFeq1aRtfai73uvZU7Ec2UF2dd+nZisPD6y4XhbJxuH5+tTdxvTXxN",
    "3ZifWt9/2P90/uTP1vO9zStzP6713/869SRiOhXXqAy2h1u3X15+/PbF92Mf/sy92vh89MzNN9cf3erXY2o/olpuS4Pdne3h1r+LReVue2mp01",
    "hc7Sw3mr21TgMAAAA4fMaFgPR/IaCz0pYZAAAAOIyFgIvN0YsAqQAAAAAAAAAAAAAAAAAAADiQxn3jSSoAAAAAAAAAAAAAAAAAAAAOpLJnvPjf",
    "+PgjRdRTFhGTg92d1rOrT8/mH/MbM/MPliOyssV8sruw2ouopbyYtPp7mzPv0rm/GDXQXIedAAA=",
  ].join(""),
);
