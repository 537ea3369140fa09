//! Upload APIs as axum routers over the engine, one module a dialect.
