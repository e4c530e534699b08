module around 'around.bicep' = {} //! around: it calls itself
