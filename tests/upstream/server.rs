//! A scripted registry on 127.0.0.1 that speaks raw HTTP/1.1, so that it can also break it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub target: String,
    headers: Vec<(String, String)>,
    /// Counts the requests of the server from 0.
    pub number: usize,
    /// Counts the connections of the server from 0.
    pub connection: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The request line, and the headers by their names.
    pub fn head(&self) -> (String, BTreeMap<String, String>) {
        let line = format!("{} {}", self.method, self.target);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        (line, headers.collect())
    }
}

/// One step of an answer. Behind the last one the connection serves its next request.
pub enum Act {
    Send(Vec<u8>),
    /// Waits until the test lets it go on.
    Pass(Gate),
    /// Ends the connection.
    Close,
}

/// A gate that the test opens once for each pass.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub fn open_once(&self) {
        self.0.add_permits(1);
    }

    pub async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

pub type Script = Vec<Act>;

/// A whole answer with a Content-Length; `headers` are whole lines without their ends.
pub fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let length = format!("Content-Length: {}", body.len());
    let mut script = head(status, &[headers, &[&length]].concat());
    script.push(Act::Send(body.to_vec()));
    script
}

/// A 200.
pub fn ok(body: impl AsRef<[u8]>) -> Script {
    answer("200 OK", &[], body)
}

/// A redirect.
pub fn redirect(status: &str, location: &str) -> Script {
    answer(status, &[&format!("Location: {location}")], "")
}

/// Only a head.
pub fn head(status: &str, headers: &[&str]) -> Script {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    vec![Act::Send(text.into_bytes())]
}

/// A server that answers until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The PEM text of the certificate, for a server with TLS.
    pub certificate: Option<String>,
    task: JoinHandle<()>,
}

type Handler = Arc<dyn Fn(&Seen) -> Script + Send + Sync>;

impl Server {
    pub async fn start(handler: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(handler), None).await
    }

    /// Speaks TLS as `localhost` and `registry.invalid`, with a certificate of its own.
    pub async fn start_tls(handler: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        let names = ["localhost", "127.0.0.1", "registry.invalid"]
            .map(str::to_owned)
            .to_vec();
        Self::run(
            Arc::new(handler),
            Some(Tls::for_names(names, &[b"http/1.1"])),
        )
        .await
    }

    async fn run(handler: Handler, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let log = Arc::clone(&seen);
        let certificate = tls.as_ref().map(|tls| tls.certificate.clone());
        let acceptor = tls.map(|tls| tls.acceptor);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for connection in 0.. {
                let (tcp, _) = listener.accept().await.unwrap();
                let (handler, log, acceptor) =
                    (Arc::clone(&handler), Arc::clone(&log), acceptor.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => serve(tcp, connection, handler, log).await,
                        Some(acceptor) => {
                            if let Ok(tls) = acceptor.accept(tcp).await {
                                serve(tls, connection, handler, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            certificate,
            task,
        }
    }

    /// Everything asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `http://127.0.0.1:port`.
    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `https://localhost:port`.
    pub fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// TLS with a self-signed certificate.
pub struct Tls {
    pub certificate: String,
    pub acceptor: tokio_rustls::TlsAcceptor,
}

impl Tls {
    pub fn for_names(names: Vec<String>, protocols: &[&[u8]]) -> Self {
        use tokio_rustls::rustls::ServerConfig;
        use tokio_rustls::rustls::crypto::ring::default_provider;
        use tokio_rustls::rustls::pki_types::PrivateKeyDer;

        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self {
            certificate: made.cert.pem(),
            acceptor: Arc::new(config).into(),
        }
    }
}

async fn serve<S>(mut stream: S, connection: usize, handler: Handler, log: Arc<Mutex<Vec<Seen>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut buffer).await {
        let seen = {
            let mut log = log.lock().unwrap();
            let seen = parse(&head, log.len(), connection);
            log.push(seen.clone());
            seen
        };
        for act in handler(&seen) {
            match act {
                Act::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                Act::Pass(gate) => gate.pass().await,
                Act::Close => {
                    let _ = stream.shutdown().await;
                    return;
                }
            }
        }
    }
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            let head = std::mem::replace(buffer, rest);
            return Some(String::from_utf8(head).unwrap());
        }
        // What does not begin like a method is TLS, which is spoken elsewhere.
        let read = stream.read_buf(buffer).await.ok()?;
        if read == 0 || !buffer[0].is_ascii_uppercase() {
            return None;
        }
    }
}

fn parse(head: &str, number: usize, connection: usize) -> Seen {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    Seen {
        method: words.next().unwrap().to_owned(),
        target: words.next().unwrap().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        number,
        connection,
    }
}
