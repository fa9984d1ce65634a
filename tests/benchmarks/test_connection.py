"""The bytes of the load that watches each request."""

from benchmarks.connection import headers_from, request_bytes


class TestRequestBytes:
    def test_head_and_body(self) -> None:
        head, _, body = request_bytes(b'{"a":1}', {"authorization": "Bearer x"}).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /graphql HTTP/1.1"
        assert {"content-length: 7", "authorization: Bearer x"} <= set(lines)
        assert body == b'{"a":1}'


class TestHeadersFrom:
    def test_names_in_small_letters(self) -> None:
        assert headers_from(["Content-Length: 5", "Kehu-Edition:abc", ""]) == {
            "content-length": "5",
            "kehu-edition": "abc",
        }
