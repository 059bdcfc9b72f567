// Bytes as real peers sent them, one character per byte: curl 7.88.1, wrk 4.1.0, nginx 1.22.1.

export const CURL_GET: string =
  "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";

export const CURL_POST: string =
  "POST /form HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Length: 10\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname=value";

export const CURL_CHUNKED: string =
  "PUT /up HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";

export const CURL_WEBSOCKET: string =
  "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

export const CURL_H2C: string =
  "GET /h2c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";

export const CURL_CONNECT: string =
  "CONNECT example.test:80 HTTP/1.1\r\nHost: example.test:80\r\nUser-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\n\r\n";

export const CURL_PROXY: string =
  "GET http://example.test/x?y=1 HTTP/1.1\r\nHost: example.test\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nProxy-Connection: Keep-Alive\r\n\r\n";

export const CURL_HTTP10: string =
  "GET /old HTTP/1.0\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";

export const WRK: string = "GET /bench HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

export const NGINX_FILE: string =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:23 GMT\r\nContent-Type: text/html\r\nContent-Length: 13\r\nLast-Modified: Sun, 22 Nov 2026 15:39:22 GMT\r\nConnection: keep-alive\r\nETag: "6b030caa-d"\r\nAccept-Ranges: bytes\r\n\r\n<p>hello</p>\n';

export const NGINX_HEAD: string =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:23 GMT\r\nContent-Type: text/html\r\nContent-Length: 13\r\nLast-Modified: Sun, 22 Nov 2026 15:39:22 GMT\r\nConnection: keep-alive\r\nETag: "6b030caa-d"\r\nAccept-Ranges: bytes\r\n\r\n';

export const NGINX_GZIP_CHUNKED: string =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:23 GMT\r\nContent-Type: text/html\r\nLast-Modified: Sun, 22 Nov 2026 15:39:22 GMT\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\nETag: W/"6b030caa-d"\r\nContent-Encoding: gzip\r\n\r\n21\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03\xb3)\xb0\xcbH\xcd\xc9\xc9\xb7\xd1/\xb0\xe3\x02\x00\xe1-\xb4C\r\x00\x00\x00\r\n0\r\n\r\n';

export const NGINX_MOVED: string =
  "HTTP/1.1 301 Moved Permanently\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:23 GMT\r\nContent-Type: text/html\r\nContent-Length: 169\r\nLocation: http://a:18999/index.html\r\nConnection: keep-alive\r\n\r\n<html>\r\n<head><title>301 Moved Permanently</title></head>\r\n<body>\r\n<center><h1>301 Moved Permanently</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

export const NGINX_NO_CONTENT: string =
  "HTTP/1.1 204 No Content\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:23 GMT\r\nConnection: keep-alive\r\n\r\n";

export const NGINX_NOT_MODIFIED: string =
  'HTTP/1.1 304 Not Modified\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:24 GMT\r\nLast-Modified: Sun, 22 Nov 2026 15:39:22 GMT\r\nConnection: keep-alive\r\nETag: "6b030caa-d"\r\n\r\n';

export const NGINX_TO_HTTP10: string =
  "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:24 GMT\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

export const NGINX_BAD_REQUEST: string =
  "HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:39:24 GMT\r\nContent-Type: text/html\r\nContent-Length: 157\r\nConnection: close\r\n\r\n<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";
