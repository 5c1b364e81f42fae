//! A server whose fills are watched, and raw connections to it.

use super::*;

pub(crate) struct Web {
    pub(crate) scene: Scene,
    pub(crate) server: Server,
    /// How many answers the server has let go, sent or not.
    gone: watch::Sender<usize>,
    _folder: tempfile::TempDir,
}

impl Web {
    pub(crate) async fn new(on_disconnect: OnDisconnect) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::disk(folder.path()).unwrap();
        let scene = Scene::new(&storage, 0, on_disconnect, Framing::Length);
        let gone = watch::Sender::new(0);
        let (proxy, count) = (scene.proxy.clone(), gone.clone());
        let watched = service_fn(move |request: Request<Incoming>| {
            let (proxy, held) = (proxy.clone(), Held(count.clone()));
            async move {
                let response = ask(&proxy, request.map(|_| ())).await;
                Ok::<_, Infallible>(response.map(|body| {
                    body.map_frame(move |frame| {
                        let _ = &held;
                        frame
                    })
                }))
            }
        });
        let server = Server::start(watched).await;
        Self {
            scene,
            server,
            gone,
            _folder: folder,
        }
    }

    /// A client on a TCP connection of its own, which it drops at this moment. Returns once the
    /// server has noticed.
    pub(crate) async fn leave(&self, moment: Moment) {
        let mut connection = TcpStream::connect(self.server.address()).await.unwrap();
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: proxy.test\r\n\r\n",
            self.scene.path
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        self.scene.source.requests().arrived(1).await;
        if let Moment::With(parts) = moment {
            self.scene.head.open();
            self.scene.parts.allow(parts.saturating_sub(1));
            let mut buffer = vec![0; 64 * 1024];
            let mut received = 0;
            while received < (parts * self.scene.part).max(1) {
                received += connection.read(&mut buffer).await.unwrap();
            }
        }
        drop(connection);
        let mut gone = self.gone.subscribe();
        gone.wait_for(|gone| *gone == 1).await.unwrap();
    }
}

/// Counts when it goes away.
pub(crate) struct Held(watch::Sender<usize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|gone| *gone += 1);
    }
}
