// What gorilla/websocket says as a client: go run gorilla.go URL
package main

import (
	"log"
	"os"

	"github.com/gorilla/websocket"
)

func main() {
	log.SetOutput(os.Stdout)
	connection, _, err := websocket.DefaultDialer.Dial(os.Args[1], nil)
	if err != nil {
		log.Fatal("dial: ", err)
	}
	connection.WriteMessage(websocket.TextMessage, []byte("ready"))
	for {
		_, message, err := connection.ReadMessage()
		if err != nil {
			log.Println("read:", err)
			return
		}
		log.Printf("recv: %q", message)
	}
}
