"""The app without a server: for what does not depend on one."""

import asyncio

import httpx
from fastapi import FastAPI

from tests.helpers.server_process import Headers


class InProcess:
    """Asks the app; what it raises is raised here."""

    def __init__(self, app: FastAPI, headers: Headers | None = None) -> None:
        self._app, self._headers = app, headers

    def get(self, path: str, headers: Headers | list[tuple[str, str]] | None = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://somewhere", headers=self._headers
            ) as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())
