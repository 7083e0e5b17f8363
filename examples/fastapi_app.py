"""A FastAPI chat on wsfast: pip install fastapi uvicorn wsfast, then

WSFAST_ACCELERATE=uvicorn uvicorn --app-dir examples fastapi_app:app
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
members: set[WebSocket] = set()


@app.websocket("/")
async def chat(ws: WebSocket) -> None:
    """Send each text to everybody, its author too."""
    await ws.accept()
    members.add(ws)
    try:
        while True:
            text = await ws.receive_text()
            for member in list(members):
                await member.send_text(text)
    except WebSocketDisconnect as left:
        print("left with", left.code, left.reason or "")  # 1007 has the byte in its reason
    finally:
        members.discard(ws)
